import type { Hex } from "viem";

/** The queue of every model that has none of its own. */
export const DEFAULT_CAPABILITY = "inference";

/** Letters, digits and dashes: it becomes part of a queue's name. */
export const CAPABILITY_PATTERN = /^[A-Za-z0-9-]{1,64}$/;

/**
 * Which models need which kind of worker: a capability has a queue of its own, and a worker takes jobs only from the
 * queues of what it can do (a GPU, much memory, one large model).
 */
export interface CapabilityChoice {
  /** By model id. */
  readonly ofModel: Readonly<Record<Hex, string>>;
}

export const capabilityOf = (modelId: Hex, { ofModel }: CapabilityChoice): string =>
  ofModel[modelId] ?? DEFAULT_CAPABILITY;

/** Every capability that a job may ask for; the default one first. */
export const capabilitiesOf = ({ ofModel }: CapabilityChoice): string[] => [
  ...new Set([DEFAULT_CAPABILITY, ...Object.values(ofModel)]),
];
