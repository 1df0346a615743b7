// Loaded into a node before its own code: its clock is off by CHAOS_SKEW_MS.
const skewMs = Number(process.env.CHAOS_SKEW_MS ?? "0");
const TrueDate = Date;
const trueNow = Date.now;

globalThis.Date = /** @type {DateConstructor} */ (
  new Proxy(TrueDate, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [trueNow() + skewMs] : args, newTarget),
    apply: () => new TrueDate(trueNow() + skewMs).toString(),
    get: (target, name) => (name === "now" ? () => trueNow() + skewMs : Reflect.get(target, name)),
  })
);
