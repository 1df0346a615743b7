import fc from "fast-check";
import type { Hex } from "viem";
import { describe, expect, it } from "vitest";
import {
  nextOutboxStep,
  OUTBOX_RULES,
  type OutboxAttempt,
  type OutboxEntry,
  type OutboxFees,
  type OutboxView,
} from "../../../coprocessor/core/outbox.ts";
import { SimulatedNetwork } from "./simulatedNetwork.ts";

const NOW = 1_000_000;
const CAP = 1_000n;

function planned(changes: Partial<OutboxEntry> = {}): OutboxEntry {
  return {
    id: "a",
    key: "31337-0x01-0x02",
    kind: "settle",
    to: "0x0000000000000000000000000000000000000001",
    data: "0x",
    value: 0n,
    gas: 100n,
    maxFeePerGasCap: CAP,
    state: "planned",
    nonce: null,
    attempts: [],
    minedTransaction: null,
    minedBlock: null,
    succeeded: null,
    reason: null,
    createdAt: 0,
    updatedAt: 0,
    ...changes,
  };
}

function attempt(changes: Partial<OutboxAttempt> = {}): OutboxAttempt {
  const at = NOW - 1_000;
  return {
    hash: "0xaa",
    raw: "0xa1",
    maxFeePerGas: 100n,
    maxPriorityFeePerGas: 8n,
    signedAt: at,
    sentAt: at,
    ...changes,
  };
}

const signed = (attempts = [attempt()], changes: Partial<OutboxEntry> = {}) =>
  planned({ state: "signed", nonce: 5, attempts, ...changes });

function view(changes: Partial<OutboxView> = {}): OutboxView {
  return {
    needed: true,
    latestNonce: 5,
    nextNonce: 7,
    market: { baseFeePerGas: 40n, maxFeePerGas: 88n, maxPriorityFeePerGas: 8n },
    receipts: new Map(),
    simulation: { type: "ok", gas: 90n },
    availableWei: 10n ** 18n,
    inFlight: 0,
    worth: null,
    ...changes,
  };
}

const market = (baseFeePerGas: bigint, tip: bigint) => ({
  market: { baseFeePerGas, maxFeePerGas: 2n * baseFeePerGas + tip, maxPriorityFeePerGas: tip },
});

describe("a planned entry that is worth something", () => {
  const takings = { shareWei: 0n, reserveWei: 10n ** 9n, maxGasPrice: 60n, deadlineMs: NOW + 1e9 };
  const step = (changes: Partial<typeof takings>, minProfitWei = 0n) =>
    nextOutboxStep(planned(), view({ worth: { takings: { ...takings, ...changes }, minProfitWei } }), NOW);

  it("signed: with what it is worth as its cap", () => {
    expect(step({})).toMatchObject({ type: "sign", cap: 60n, fees: { maxFeePerGas: 60n } });
  });

  it("waits: at the market's price it would cost more than it pays, or than we ask for", () => {
    expect(step({ maxGasPrice: 47n })).toMatchObject({
      type: "wait",
      reason: expect.stringMatching(/^settlement\/costs-more-than-it-pays: 78 gas at 48 wei cost 3744 wei/),
    });
    expect(step({ shareWei: 5n }, 6n)).toMatchObject({ type: "wait" });
    expect(step({ shareWei: 6n }, 6n)).toMatchObject({ type: "sign" });
  });
});

describe("a planned entry", () => {
  const step = (changes: Partial<OutboxView>, entry = planned()) => nextOutboxStep(entry, view(changes), NOW);

  it("signed: with the next nonce, at the market's bid", () => {
    expect(step({})).toEqual({
      type: "sign",
      nonce: 7,
      cap: CAP,
      gas: 100n,
      fees: { maxFeePerGas: 88n, maxPriorityFeePerGas: 8n },
    });
  });

  it("signed: with the simulated gas where that is more than was planned", () => {
    expect(step({ simulation: { type: "ok", gas: 150n } })).toMatchObject({ type: "sign", gas: 150n });
  });

  it("signed: at the cap, tip included, where the market asks for more headroom than that", () => {
    const entry = planned({ maxFeePerGasCap: 50n });
    expect(step({}, entry)).toMatchObject({ fees: { maxFeePerGas: 50n, maxPriorityFeePerGas: 8n } });
  });

  it("abandoned: its request is closed", () => {
    expect(step({ needed: false })).toMatchObject({ type: "abandon" });
  });

  it.each<[string, Partial<OutboxView>, RegExp]>([
    ["the base fee and tip are above the cap", market(995n, 6n), /1001 wei is above the cap of 1000 wei/],
    ["the account cannot pay for it", { availableWei: 8_799n }, /has 8799 wei and needs 8800 wei/],
    [
      "it would revert",
      { simulation: { type: "reverted", message: "QuorumNotMet(1, 2)" } },
      /QuorumNotMet\(1, 2\)/,
    ],
    ["it is not simulated", { simulation: null }, /simulated/],
    ["too many are in flight", { inFlight: 16 }, /16 transactions/],
  ])("waits, and says why: %s", (_, changes, reason) => {
    const result = step(changes);
    expect(result).toMatchObject({ type: "wait", untilMs: NOW + OUTBOX_RULES.retryAfterMs });
    expect(result).toHaveProperty("reason", expect.stringMatching(reason));
  });
});

describe("a signed entry", () => {
  const step = (entry: OutboxEntry, changes: Partial<OutboxView> = {}, now = NOW) =>
    nextOutboxStep(entry, view(changes), now);

  it("broadcast at once: stored before a crash, never sent", () => {
    expect(step(signed([attempt({ sentAt: 0 })]))).toEqual({ type: "broadcast", raw: "0xa1" });
  });

  it("broadcast before it is replaced: the signed one may still do", () => {
    const entry = signed([attempt({ signedAt: NOW - 600_000, sentAt: 0 })]);
    expect(step(entry, market(97n, 4n))).toEqual({ type: "broadcast", raw: "0xa1" });
  });

  it("waits, then broadcasts again from the chain's nonce", () => {
    expect(step(signed())).toMatchObject({ type: "wait", untilMs: NOW + 4_000 });
    expect(step(signed(), {}, NOW + 4_000)).toEqual({ type: "broadcast", raw: "0xa1" });
  });

  it("mined: by whichever attempt landed", () => {
    const entry = signed([attempt(), attempt({ hash: "0xbb" })]);
    const receipts = new Map([["0xaa", { blockNumber: 9n, succeeded: false }]] as const);
    expect(step(entry, { receipts, latestNonce: 6 })).toEqual({
      type: "mined",
      transaction: "0xaa",
      blockNumber: 9n,
      succeeded: false,
    });
  });

  it("replaced: below the market for long enough, by 12.5% or the market, whichever is more", () => {
    const late = NOW + 14_000;
    expect(step(signed(), market(97n, 4n), NOW + 13_000)).not.toMatchObject({ type: "replace" });
    expect(step(signed(), market(97n, 4n), late)).toEqual({
      type: "replace",
      fees: { maxFeePerGas: 198n, maxPriorityFeePerGas: 9n },
    });
    expect(step(signed(), market(40n, 20n), late)).toEqual({
      type: "replace",
      fees: { maxFeePerGas: 113n, maxPriorityFeePerGas: 20n },
    });
  });

  it("replaced: waiting for a minute at a price that should do", () => {
    const entry = signed([attempt({ signedAt: NOW - 60_000, sentAt: NOW })]);
    expect(step(entry)).toMatchObject({
      type: "replace",
      fees: { maxFeePerGas: 113n, maxPriorityFeePerGas: 9n },
    });
  });

  it("not replaced: there is no room below the cap, or no money", () => {
    const old = { signedAt: NOW - 60_000, sentAt: NOW };
    expect(step(signed([attempt({ ...old, maxFeePerGas: 889n })]))).toMatchObject({ type: "wait" });
    expect(step(signed([attempt({ ...old, maxFeePerGas: 888n })]))).toMatchObject({
      fees: { maxFeePerGas: 999n },
    });
    expect(step(signed([attempt(old)]), { availableWei: 11_299n })).toMatchObject({ type: "wait" });
  });

  it("carried through: moot after it took its nonce", () => {
    expect(step(signed([attempt({ sentAt: 0 })]), { needed: false })).toEqual({
      type: "broadcast",
      raw: "0xa1",
    });
    expect(step(signed(), { needed: false, ...market(97n, 4n) }, NOW + 14_000)).toMatchObject({
      type: "replace",
    });
  });

  it("a nonce that somebody else used up: waited for, then planned anew or abandoned", () => {
    expect(step(signed(), { latestNonce: 6 })).toMatchObject({ type: "wait", untilMs: NOW + 14_000 });
    expect(step(signed(), { latestNonce: 6 }, NOW + 14_000)).toMatchObject({ type: "replan" });
    expect(step(signed(), { latestNonce: 6, needed: false }, NOW + 14_000)).toMatchObject({
      type: "abandon",
    });
  });
});

it.each(["mined", "abandoned"] as const)("an entry that is %s has no next step", (state) => {
  expect(nextOutboxStep(planned({ state }), view(), NOW)).toMatchObject({
    type: "wait",
    untilMs: Number.POSITIVE_INFINITY,
  });
});

/** An operator that carries steps out on a simulated network, and may crash between storing and sending. */
class SimulatedOperator {
  readonly network = new SimulatedNetwork();
  readonly entries: OutboxEntry[] = [];
  /** Every signature ever made: what an intent was signed for, under which nonce and fees. */
  readonly signatures: { nonce: number; intent: string; fees: OutboxFees; cap: bigint }[] = [];
  now = NOW;
  /** The market's tip, which may say less than validators want. */
  tip = 1n;

  plan(cap: bigint): void {
    this.entries.push(planned({ id: `e${this.entries.length}`, maxFeePerGasCap: cap }));
  }

  /** @param writes how many stored writes happen before the process dies. */
  drive(writes = Number.POSITIVE_INFINITY): void {
    this.#reopenUndone();
    const nonceOf = (entry: OutboxEntry) => entry.nonce ?? Number.POSITIVE_INFINITY;
    const due = this.entries
      .filter(({ state }) => state === "signed" || state === "planned")
      .sort((a, b) => (nonceOf(a) === nonceOf(b) ? 0 : nonceOf(a) - nonceOf(b)));
    let left = writes;
    for (const entry of due) {
      const step = nextOutboxStep(entry, this.#view(entry), this.now);
      if (step.type === "wait") continue;
      if (left === 0) return;
      left -= 1;
      switch (step.type) {
        case "sign":
          this.#sign(entry, step.nonce, step.fees);
          break;
        case "replace":
          this.#sign(entry, entry.nonce as number, step.fees);
          break;
        case "broadcast":
          break;
        case "mined":
          Object.assign(entry, {
            state: "mined",
            minedTransaction: step.transaction,
            succeeded: step.succeeded,
          });
          continue;
        case "abandon":
          Object.assign(entry, { state: "abandoned", reason: step.reason });
          continue;
        case "replan":
          Object.assign(entry, { state: "planned", nonce: null, attempts: [] });
          continue;
      }
      if (left === 0) return;
      this.#send(entry);
    }
  }

  #view(entry: OutboxEntry): OutboxView {
    const { network } = this;
    const others = this.entries.filter((other) => other !== entry && other.state === "signed");
    const given = this.entries.flatMap(({ nonce }) => (nonce === null ? [] : [nonce + 1]));
    return view({
      ...market(network.baseFeePerGas, this.tip),
      needed: !network.closed.has(entry.id),
      latestNonce: network.latestNonce,
      nextNonce: Math.max(network.latestNonce, ...given),
      receipts: network.receipts,
      inFlight: others.length,
    });
  }

  #sign(entry: OutboxEntry, nonce: number, fees: OutboxFees): void {
    const hash: Hex = `0x${(this.signatures.length + 1).toString(16).padStart(4, "0")}`;
    this.signatures.push({ nonce, intent: entry.id, fees, cap: entry.maxFeePerGasCap });
    entry.state = "signed";
    entry.nonce = nonce;
    entry.attempts = [...entry.attempts, { hash, raw: hash, ...fees, signedAt: this.now, sentAt: 0 }];
  }

  #send(entry: OutboxEntry): void {
    const newest = entry.attempts.at(-1) as OutboxAttempt;
    const { hash, maxFeePerGas, maxPriorityFeePerGas } = newest;
    this.network.send({
      hash,
      nonce: entry.nonce as number,
      intent: entry.id,
      maxFeePerGas,
      maxPriorityFeePerGas,
    });
    newest.sentAt = this.now;
  }

  #reopenUndone(): void {
    for (const entry of this.entries) {
      if (entry.state !== "mined" || this.network.receipts.has(entry.minedTransaction as Hex)) continue;
      Object.assign(entry, { state: "signed", minedTransaction: null, succeeded: null });
    }
  }
}

type Action = (operator: SimulatedOperator) => void;

const action: fc.Arbitrary<{ toString(): string; run: Action }> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.bigInt({ min: 15n, max: 400n }).map((cap) => named(`plan(${cap})`, (o) => o.plan(cap))),
  },
  { weight: 4, arbitrary: fc.constant(named("drive", (o) => o.drive())) },
  { weight: 2, arbitrary: fc.nat(3).map((writes) => named(`crash(${writes})`, (o) => o.drive(writes))) },
  {
    weight: 4,
    arbitrary: fc.integer({ min: 500, max: 30_000 }).map((ms) =>
      named(`pass(${ms})`, (o) => {
        o.now += ms;
      }),
    ),
  },
  { weight: 3, arbitrary: fc.constant(named("mine", (o) => o.network.mine())) },
  {
    weight: 1,
    arbitrary: fc.nat(8).map((n) =>
      named(`forget(${n})`, (o) => {
        o.network.mempool.delete(o.network.latestNonce + n);
      }),
    ),
  },
  { weight: 1, arbitrary: fc.constant(named("foreign", (o) => o.network.useNonceUp())) },
  { weight: 1, arbitrary: fc.boolean().map((keep) => named(`undo(${keep})`, (o) => o.network.undo(keep))) },
  {
    weight: 2,
    arbitrary: fc.bigInt({ min: 1n, max: 300n }).map((fee) =>
      named(`base(${fee})`, (o) => {
        o.network.baseFeePerGas = fee;
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.bigInt({ min: 1n, max: 6n }).map((tip) =>
      named(`tip(${tip})`, (o) => {
        o.network.leastTip = tip;
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.nat(20).map((n) =>
      named(`closed(${n})`, (o) => {
        o.network.closed.add(`e${n}`);
      }),
    ),
  },
);

function named(name: string, run: Action) {
  return { toString: () => name, run };
}

/** Holds at all times: see the message of each expectation. */
function expectDiscipline({ signatures, network }: SimulatedOperator): void {
  const intents = new Map<number, string>();
  const last = new Map<number, OutboxFees>();
  for (const { nonce, intent, fees, cap } of signatures) {
    expect(intents.get(nonce) ?? intent, `two intents were signed for nonce ${nonce}`).toBe(intent);
    intents.set(nonce, intent);
    expect(fees.maxFeePerGas <= cap, `a fee of ${fees.maxFeePerGas} is above the cap of ${cap}`).toBe(true);
    expect(fees.maxPriorityFeePerGas <= fees.maxFeePerGas, "the tip is above the fee").toBe(true);
    const before = last.get(nonce);
    if (before) {
      const enough =
        fees.maxFeePerGas * 8n >= before.maxFeePerGas * 9n &&
        fees.maxPriorityFeePerGas > before.maxPriorityFeePerGas;
      expect(enough, `the replacement at nonce ${nonce} is too cheap`).toBe(true);
    }
    last.set(nonce, fees);
  }
  const landed = network.blocks.flat().flatMap(({ intent }) => (intent === null ? [] : [intent]));
  expect(new Set(landed).size, "an intent landed twice").toBe(landed.length);
}

describe("on a simulated network", () => {
  it("one intent per nonce, no fee above its cap, and all that is needed lands once the network does", () => {
    let landedAtAll = 0;
    let replaced = 0;
    fc.assert(
      fc.property(fc.array(action, { minLength: 10, maxLength: 80 }), (actions) => {
        const operator = new SimulatedOperator();
        for (const { run } of actions) {
          run(operator);
          expectDiscipline(operator);
        }
        // The network heals: low fees, nothing forgotten. What was planned in vain must land now.
        operator.network.baseFeePerGas = 1n;
        operator.network.leastTip = 1n;
        for (let round = 0; round < 200; round += 1) {
          operator.now += OUTBOX_RULES.lostNonceAfterMs;
          operator.drive();
          operator.network.mine();
        }
        operator.drive();
        expectDiscipline(operator);
        for (const { id, state } of operator.entries) {
          expect(operator.network.closed.has(id), `${id} is ${state} and its request still open`).toBe(true);
          expect(state === "mined" || state === "abandoned", `${id} is still ${state}`).toBe(true);
        }
        landedAtAll += operator.network.blocks.flat().length;
        replaced += operator.entries.filter(({ attempts }) => attempts.length > 1).length;
      }),
      { numRuns: 300 },
    );
    // The runs did reach what they are about.
    expect(landedAtAll).toBeGreaterThan(300);
    expect(replaced).toBeGreaterThan(10);
  });
});
