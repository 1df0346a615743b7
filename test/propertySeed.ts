import fc from "fast-check";

/** The seed of every property test. The same in each run, so that a run can be repeated; `PROPERTY_SEED` plays other cases. */
const PROPERTY_SEED = Number(process.env.PROPERTY_SEED ?? 1);

if (!Number.isSafeInteger(PROPERTY_SEED))
  throw new Error(`PROPERTY_SEED is a whole number, not ${process.env.PROPERTY_SEED}`);
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: PROPERTY_SEED });
