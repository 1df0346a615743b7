import type { DeterminismProfile, OutputCodec } from "@sibyl/sdk";
import type { Hex } from "viem";

/** Two outputs of one codec, to be compared under a profile. */
export interface Pair {
  why: string;
  codec: OutputCodec;
  profile: DeterminismProfile;
  a: Hex;
  b: Hex;
}

export const exact: DeterminismProfile = { kind: "exact" };
export const within = (abs: string, rel: string): DeterminismProfile => ({ kind: "tolerance", abs, rel });

export function pair(why: string, codec: OutputCodec, profile: DeterminismProfile, a: Hex, b: Hex): Pair {
  return { why: `${codec}: ${why}`, codec, profile, a, b };
}
