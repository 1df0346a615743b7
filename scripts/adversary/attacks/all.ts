import type { Attack } from "../attack.ts";
import { colludingQuorum } from "./colludingQuorum.ts";
import { copier, replayer } from "./copying.ts";
import { equivocator } from "./equivocating.ts";
import { flooder, forgedSwarm, oversized } from "./noise.ts";
import { partition } from "./partition.ts";
import { colluders, frontRunner } from "./settling.ts";
import { late, neverReveals, neverRevealsAmongThree, silent } from "./withholding.ts";
import { lazy, liar, liarAmongThree, shiftInside, shiftOutside } from "./wrongOutput.ts";

/** In the order in which they are run. */
export const ATTACKS: readonly Attack[] = [
  lazy,
  copier,
  liar,
  liarAmongThree,
  shiftInside,
  shiftOutside,
  equivocator,
  silent,
  neverReveals,
  neverRevealsAmongThree,
  late,
  replayer,
  oversized,
  flooder,
  forgedSwarm,
  colluders,
  colludingQuorum,
  frontRunner,
  partition,
];
