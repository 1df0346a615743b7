import { expect, test } from "vitest";
import { until } from "../../scripts/network/until.ts";
import { HAM, post, settled } from "./board.ts";
import { pairForAll, takenOver, unavailable } from "./standbyPair.ts";

/** From the active node's end until the other one is active. */
const TAKEOVER_MS = 15_000;
const skipped = unavailable === null ? "" : ` (skipped: ${unavailable})`;

const paired = pairForAll();

test.skipIf(unavailable !== null)(
  `standing by: says so, and who is active, and does nothing else${skipped}`,
  async () => {
    const { active, standby } = await paired().roles();
    const ready = await fetch(`${standby.process?.statusUrl}/readyz`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toEqual({
      ready: false,
      reasons: [
        expect.stringMatching(new RegExp(`^node/standby: process ${active.process?.pid} on .* is active$`)),
      ],
    });
    expect((await fetch(`${standby.process?.statusUrl}/healthz`)).status).toBe(200);
    const requests = await fetch(`${standby.process?.statusUrl}/requests`);
    expect([requests.status, await requests.json()]).toMatchObject([
      503,
      { error: expect.stringMatching(/^node\/standby: this node stands by/) },
    ]);
    expect(await standby.status()).toMatchObject({ role: "standby", operatorId: active.operatorId });
  },
);

test.skipIf(unavailable !== null)(
  `settled: the active node is killed in mid-agreement, and the standby goes on where it was${skipped}`,
  async () => {
    const { active, standby } = await paired().roles();
    const posted = await post(paired().network, paired().board, HAM);
    await until(
      "the active node's commitment",
      () => paired().heard.messages.some(said(active.operatorId, posted.requestId)) || null,
      { timeoutMs: 60_000, everyMs: 5 },
    );
    await active.kill();
    const killedAt = Date.now();
    expect((await takenOver(standby)) - killedAt).toBeLessThan(TAKEOVER_MS);
    expect((await settled(paired().network, posted)).signers).toEqual([1, 2, 3]);
    expect(await paired().heard.book.equivocations()).toEqual([]);
    await active.start();
    await paired().stands(active);
  },
);

test.skipIf(unavailable !== null)(
  `settled: the active node is paused and wakes up late: it signs nothing, and ends${skipped}`,
  async () => {
    const { active, standby } = await paired().roles();
    const posted = await post(paired().network, paired().board, HAM);
    await until(
      "the active node's commitment",
      () => paired().heard.messages.some(said(active.operatorId, posted.requestId)) || null,
      { timeoutMs: 60_000, everyMs: 5 },
    );
    const { pid } = active.process ?? {};
    if (pid === undefined) throw new Error("the active node does not run");
    process.kill(pid, "SIGSTOP");
    const pausedAt = Date.now();
    expect((await takenOver(standby)) - pausedAt).toBeLessThan(TAKEOVER_MS);
    expect((await settled(paired().network, posted)).signers).toEqual([1, 2, 3]);
    process.kill(pid, "SIGCONT");
    expect(await until("the late node to end", () => active.process?.exit(), { timeoutMs: 30_000 })).toBe(1);
    expect(await paired().heard.book.equivocations()).toEqual([]);
    await active.kill();
    await active.start();
    await paired().stands(active);
    expect((await paired().roles()).active).toBe(standby);
  },
);

test.skipIf(unavailable !== null)(
  `stopped: the standby in order, and then the active one${skipped}`,
  async () => {
    const { active, standby } = await paired().roles();
    expect(await standby.stop()).toBe(0);
    expect(await active.stop()).toBe(0);
  },
);

const said =
  (operator: number, request: string) =>
  ({ operatorId, requestId }: { operatorId: number; requestId: string }): boolean =>
    operatorId === operator && requestId === request;
