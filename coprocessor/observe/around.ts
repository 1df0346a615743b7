/** The same port, with some of its methods replaced. */
export function around<Port extends object>(port: Port, replaced: Partial<Port>): Port {
  const methods = new Map<PropertyKey, unknown>();
  return new Proxy(port, {
    get(target, name) {
      if (Object.hasOwn(replaced, name)) return Reflect.get(replaced, name);
      const value = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      // Adapters have private fields, which only their own `this` may reach.
      const bound = methods.get(name) ?? value.bind(target);
      methods.set(name, bound);
      return bound;
    },
  });
}
