import { afterAll, beforeAll, expect, test } from "vitest";
import { type Arena, openArena } from "../../scripts/adversary/arena.ts";
import { attackAll } from "../../scripts/adversary/attackAll.ts";
import { Teardown } from "../../scripts/network/teardown.ts";
import { keepOnFailure } from "./keepOnFailure.ts";

/** A few of each kind; `npm run adversary` runs them all, with more requests. */
const FEW = ["copier", "liar-unanimous", "equivocator", "commit-never-reveal-unanimous"];
const REQUESTS = 4;

const teardown = new Teardown();
let arena: Arena;

keepOnFailure(() => arena.network);
beforeAll(async () => {
  arena = await openArena(teardown, {});
});
afterAll(() => teardown.run());

test("attacked: no wrong output settles, nobody honest loses stake, no cheat earns, and none blocks a request", async () => {
  const said: string[] = [];
  const { rows, missed } = await attackAll(arena, {
    seed: 1,
    requests: REQUESTS,
    attacks: FEW,
    say: (text) => said.push(text),
  });
  expect(missed, said.join("\n")).toEqual([]);
  const attacked = rows.filter(({ attack }) => FEW.includes(attack));
  expect(attacked.map(({ attack }) => attack).sort()).toEqual([...FEW].sort());
  for (const row of attacked)
    expect(row).toMatchObject({ requests: REQUESTS, settled: REQUESTS, wrongSettled: 0 });
});
