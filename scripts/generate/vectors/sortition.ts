import { type DrawParameters, drawnFromRound, drawSeed, drawTicket } from "@sibyl/sdk";
import { uint, word } from "./draw.ts";

/** Stands for "never drawn". */
const NEVER = 255;
const MAX_TICKET = (1n << 128n) - 1n;

/** Seeds, tickets, and the first round in which a ticket is drawn. */
export function sortitionVectors(): Record<string, object> {
  return { sortition: { draws: draws(), rounds: rounds() } };
}

function draws() {
  return [0, 1, 2].flatMap((index) => {
    const requestId = word(`drawn request ${index}`);
    const blockHash = index === 0 ? (`0x${"00".repeat(32)}` as const) : word(`block ${index}`);
    const seed = drawSeed(requestId, blockHash);
    return [1, 2, 3, 1_000, 4_294_967_295].map((operatorId) => ({
      requestId,
      blockHash,
      operatorId,
      seed,
      ticket: drawTicket(seed, operatorId),
    }));
  });
}

function rounds() {
  const cases: (DrawParameters & { name: string; ticket: bigint })[] = [];
  const add = (name: string, ticket: bigint, parameters: DrawParameters) =>
    cases.push({ name, ticket, ...parameters });

  const equal: DrawParameters = { committeeSize: 3, overdrawBps: 10_000, weight: 1n, totalWeight: 10n };
  add("lowest ticket", 0n, equal);
  add("highest ticket", MAX_TICKET, equal);
  for (const round of [0, 1, 2]) addEdge(`edge of round ${round}`, equal, round);

  const sure: DrawParameters = { committeeSize: 3, overdrawBps: 10_000, weight: 1n, totalWeight: 3n };
  add("saturates exactly at once: the highest ticket is drawn", MAX_TICKET, sure);
  add("one weight more than saturation", MAX_TICKET, {
    ...sure,
    weight: 2n ** 40n,
    totalWeight: 3n * 2n ** 40n + 1n,
  });
  add("saturates by far", MAX_TICKET, {
    committeeSize: 255,
    overdrawBps: 65_535,
    weight: (1n << 56n) - 1n,
    totalWeight: 1n,
  });

  const thin: DrawParameters = {
    committeeSize: 1,
    overdrawBps: 1,
    weight: 1n,
    totalWeight: (1n << 64n) - 1n,
  };
  add("thin chance, highest ticket: never", MAX_TICKET, thin);
  add("thin chance, lowest ticket", 0n, thin);
  addEdge("edge of the last round", thin, 32);

  add("no weight: never", 0n, { ...equal, weight: 0n });
  add("no committee: never", 0n, { ...equal, committeeSize: 0 });
  add("no overdraw: never", 0n, { ...equal, overdrawBps: 0 });
  add("no total weight: drawn", MAX_TICKET, { ...equal, totalWeight: 0n });
  add("nothing at all: never", 0n, { ...equal, weight: 0n, totalWeight: 0n });
  add("widest fields", MAX_TICKET, {
    committeeSize: 255,
    overdrawBps: 65_535,
    weight: (1n << 56n) - 1n,
    totalWeight: (1n << 64n) - 1n,
  });

  for (let index = 0; index < 40; index++) {
    const weight = uint(`weight ${index}`, 8 + (index % 48)) + 1n;
    add(`random ${index}`, uint(`ticket ${index}`, 128), {
      committeeSize: Number(uint(`committee ${index}`, 3)) + 1,
      overdrawBps: 10_000 + Number(uint(`overdraw ${index}`, 14)),
      weight,
      totalWeight: weight * (uint(`others ${index}`, 1 + (index % 8)) + 1n) + uint(`rest ${index}`, 7),
    });
  }
  return cases.map((one) => ({ ...one, firstRound: drawnFromRound(one.ticket, one) ?? NEVER }));

  /** The last ticket that a round draws, and the first one that it does not. */
  function addEdge(name: string, parameters: DrawParameters, round: number): void {
    const chance = BigInt(parameters.committeeSize) * BigInt(parameters.overdrawBps) * parameters.weight;
    const scale = parameters.totalWeight * 10_000n;
    const first = ((chance << BigInt(round + 128)) + scale - 1n) / scale;
    // A round that draws everybody has its edge beyond the highest ticket there is.
    const last = first > MAX_TICKET ? MAX_TICKET : first - 1n;
    if (first > 0n) add(`${name}: last inside`, last, parameters);
    if (first <= MAX_TICKET) add(`${name}: first outside`, first, parameters);
  }
}
