/**
 * `Promise.withResolvers` for Node 20, which libp2p 3 calls; newer Nodes keep their own.
 *
 * Imported for its effect, before libp2p.
 */
if (typeof Reflect.get(Promise, "withResolvers") !== "function") {
  Object.defineProperty(Promise, "withResolvers", {
    configurable: true,
    writable: true,
    value: function withResolvers<T>(this: PromiseConstructor) {
      let resolve!: (value: T | PromiseLike<T>) => void;
      let reject!: (reason?: unknown) => void;
      // `new this`, as the standard says, so that subclasses of Promise get their own kind.
      const promise = new this<T>((fulfil, fail) => {
        resolve = fulfil;
        reject = fail;
      });
      return { promise, resolve, reject };
    },
  });
}
