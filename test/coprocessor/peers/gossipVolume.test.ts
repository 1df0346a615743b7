import { afterEach, expect, test } from "vitest";
import { createLibp2pPeers } from "../../../coprocessor/peers/libp2pPeers.ts";
import { type Listener, listening, until } from "./network.ts";
import { commit } from "./samples.ts";

const OPERATORS = 10;
/** What an operator says about one `exact` request: commitment, reveal, attestation. */
const STATEMENTS = 3;
/** Copies that are on their way have arrived when none came for so long. */
const QUIET_MS = 1_500;

const open: Listener[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map(({ peers }) => peers.stop()));
});

test("ten operators: a publication travels n - 1 times, and again only to who is behind", {
  timeout: 240_000,
}, async () => {
  const scope = { chainId: 31_337, oracle: "0x5FbDB2315678afecb367f032d93F642f64180aa3" } as const;
  for (let identity = 1; identity <= OPERATORS; identity++) {
    const seed = `0x${identity.toString(16).padStart(2, "0").repeat(32)}` as const;
    const listen = { host: "127.0.0.1", port: 0 };
    open.push(await listening((log) => createLibp2pPeers({ scope, seed, listen, log })));
  }
  const addresses = open.flatMap(({ peers }) => peers.addresses());
  for (const { peers } of open) peers.connect(addresses);
  await until(
    "everybody sees everybody",
    () => open.every(({ peers }) => peers.connected() === OPERATORS - 1),
    150_000,
  );

  for (const [place, { peers }] of open.entries())
    for (let statement = 0; statement < STATEMENTS; statement++)
      await peers.publish(commit(statement, place + 1));
  const others = STATEMENTS * (OPERATORS - 1);
  await until("all heard", () => open.every(({ heard }) => heard.length === others), 60_000);
  const copies = () => open.reduce((sum, { peers }) => sum + peers.traffic().copies, 0);
  let [before, since] = [copies(), performance.now()];
  await until(
    "no copy is on its way any more",
    () => {
      const now = copies();
      if (now !== before) [before, since] = [now, performance.now()];
      return performance.now() - since >= QUIET_MS;
    },
    60_000,
  );

  const publications = OPERATORS * STATEMENTS;
  expect(open.reduce((sum, { peers }) => sum + peers.traffic().published, 0)).toBe(publications);
  expect(before / publications).toBeGreaterThanOrEqual(OPERATORS - 1);
  // A heartbeat may offer what is on its way elsewhere; each of the others could be asked for it once.
  expect(before / publications).toBeLessThanOrEqual(2 * (OPERATORS - 1));
  console.info(
    `${publications} publications among ${OPERATORS}: ${(before / publications).toFixed(1)} copies each`,
  );
});
