import { afterAll, expect, test } from "vitest";
import { runChaos } from "../../scripts/chaos/runChaos.ts";
import { planStorm } from "../../scripts/chaos/schedule.ts";
import { broken } from "../../scripts/chaos/verdict.ts";
import { Teardown } from "../../scripts/network/teardown.ts";
import { ensurePostgres } from "../../scripts/services/postgres.ts";
import { ensureRedis } from "../../scripts/services/redis.ts";

const SEED = 7;
const REQUESTS = 20;
const STORM_MS = 20_000;
/** Longer than the storm and a restart after it. */
const LIFETIME_SECONDS = 60;

const installations = [await ensureRedis(), await ensurePostgres()];
const missing = installations.flatMap((found) => ("unavailable" in found ? [found.unavailable] : []));
const teardown = new Teardown();

afterAll(async () => {
  await teardown.run();
  expect(teardown.failures).toEqual([]);
});

test.skipIf(missing.length > 0)(
  `chaos: a short storm loses, doubles and contradicts nothing (seed ${SEED})${missing.length > 0 ? ` (skipped: ${missing.join(", ")})` : ""}`,
  async () => {
    const { result, remarks } = await runChaos({
      schedule: planStorm(SEED, REQUESTS, STORM_MS),
      teardown,
      lifetimeSeconds: LIFETIME_SECONDS,
      tell: () => {},
    });
    expect(broken(result), remarks.join("\n")).toEqual([]);
    expect(result.requests).toBe(REQUESTS);
  },
);
