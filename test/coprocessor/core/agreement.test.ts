import { agree, type DeterminismProfile, encodeClassification, toWad } from "@sibyl/sdk";
import fc from "fast-check";
import { type Hex, keccak256 } from "viem";
import { describe, expect, it } from "vitest";
import { tally } from "../../../coprocessor/core/ballot.ts";
import type { PeerMessage } from "../../../coprocessor/core/messages.ts";
import { viewAt, viewStartsAfter } from "../../../coprocessor/core/views.ts";
import {
  candidatesOf,
  commitOf,
  HonestOperator,
  type NetworkRules,
  REQUEST_ID,
  revealOf,
} from "./agreementNetwork.ts";

const EXACT: DeterminismProfile = { kind: "exact" };
const TOLERANCE: DeterminismProfile = { kind: "tolerance", abs: "0.001", rel: "0" };

const spam = (confidence: number): Hex => encodeClassification({ label: 1, confidence: toWad(confidence) });
const ham = (confidence: number): Hex => encodeClassification({ label: 0, confidence: toWad(confidence) });

const rules = (overrides: Partial<NetworkRules> = {}): NetworkRules => ({
  quorum: 3,
  committeeSize: 3,
  codec: "classification",
  profile: TOLERANCE,
  candidates: candidatesOf(3),
  ...overrides,
});

interface Run {
  operators: HonestOperator[];
  outputs: Map<number, Hex>;
  /** What cheats say, and when. */
  injected?: { at: number; message: PeerMessage }[];
  /** Milliseconds that a message takes; undefined loses it. */
  delay?: (message: PeerMessage, to: number) => number | undefined;
  untilMs?: number;
  /** Stops at the first settlement. */
  untilSettled?: boolean;
}

/** Delivers messages by simulated time until nothing happens any more or `untilMs` is reached. */
function simulate({
  operators,
  outputs,
  injected = [],
  delay = () => 5,
  untilMs = 30_000,
  untilSettled = false,
}: Run): number {
  const due: { at: number; to: HonestOperator; message: PeerMessage }[] = [];
  const send = (message: PeerMessage, now: number, from?: HonestOperator) => {
    for (const to of operators) {
      if (to === from) continue;
      const ms = delay(message, to.id);
      if (ms !== undefined) due.push({ at: now + ms, to, message });
    }
  };
  for (const { at, message } of injected) send(message, at);
  let now = 0;
  const stirred = new Set(operators);
  for (let i = 0; i < 10_000; i++) {
    for (const operator of stirred) {
      for (const message of operator.step(now, outputs.get(operator.id) ?? "0x"))
        send(message, now, operator);
    }
    if (untilSettled && operators.some(({ settlements }) => settlements.length > 0)) return now;
    const times = [
      ...due.map(({ at }) => at),
      ...operators.flatMap(({ wakeAt }) => (wakeAt !== null && wakeAt > now ? [wakeAt] : [])),
    ];
    if (times.length === 0) return now;
    now = Math.max(now, Math.min(...times));
    if (now > untilMs) return now;
    stirred.clear();
    for (const operator of operators)
      if (operator.wakeAt !== null && operator.wakeAt <= now) stirred.add(operator);
    for (let index = due.length - 1; index >= 0; index--) {
      const item = due[index];
      if (item === undefined || item.at > now) continue;
      due.splice(index, 1);
      if (item.to.hear(item.message, now)) stirred.add(item.to);
    }
  }
  throw new Error("the simulation does not come to rest");
}

const honest = (network: NetworkRules, ids: number[]) => ids.map((id) => new HonestOperator(id, network));

describe("a lost store", () => {
  const OUTPUT = spam(0.9);
  const exact = rules({ profile: EXACT });
  const reveal = (id: number): PeerMessage => ({
    ...(revealOf(id, OUTPUT) as PeerMessage & { kind: "reveal" }),
    commits: [1, 2, 3].map((one) => commitOf(one, OUTPUT)),
  });

  it("goes on where the others' reveals say that it had committed", () => {
    const forgetful = new HonestOperator(1, exact);
    for (const id of [2, 3]) forgetful.hear(reveal(id), 0);
    expect(forgetful.step(10, OUTPUT).map(({ kind }) => kind)).toContain("reveal");
    expect(forgetful.said.some(({ kind }) => kind === "commit")).toBe(false);
  });

  it("stays away where the others revealed without it", () => {
    const late = new HonestOperator(4, rules({ profile: EXACT, candidates: candidatesOf(4) }));
    for (const id of [1, 2, 3]) late.hear(reveal(id), 0);
    expect(late.step(10, OUTPUT)).toEqual([]);
    expect(late.started).toBe(false);
  });
});

describe("exact models", () => {
  const network = rules({ profile: EXACT });

  it("settled: three equal outputs need no proposal, and the lowest ticket settles alone", () => {
    const operators = honest(network, [1, 2, 3]);
    simulate({ operators, outputs: new Map([1, 2, 3].map((id) => [id, spam(0.9)])), untilMs: 2_000 });
    expect(operators.map(({ settlements }) => settlements.length)).toEqual([1, 0, 0]);
    expect(operators[0]?.settlements[0]).toMatchObject({ view: 0, output: spam(0.9), signers: [1, 2, 3] });
    expect(operators.flatMap(({ said }) => said).some(({ kind }) => kind === "proposal")).toBe(false);
  });

  it("settled: the second signer takes over when the first does not settle", () => {
    const operators = honest(network, [1, 2, 3]);
    simulate({ operators, outputs: new Map([1, 2, 3].map((id) => [id, spam(0.9)])), untilMs: 3_500 });
    expect(operators.map(({ settlements }) => settlements.length)).toEqual([1, 1, 0]);
  });

  it("pending: a dissenter is out-voted, signs nothing, and says why", () => {
    const four = rules({ profile: EXACT, quorum: 2, candidates: candidatesOf(3) });
    const operators = honest(four, [1, 2, 3]);
    const outputs = new Map([
      [1, spam(0.9)],
      [2, spam(0.9)],
      [3, spam(0.8)],
    ]);
    simulate({ operators, outputs, untilMs: 2_000 });
    expect(operators[0]?.settlements).toHaveLength(1);
    expect(operators[0]?.settlements[0]?.signers).toEqual([1, 2]);
    expect(operators[2]?.said.some(({ kind }) => kind === "attestation")).toBe(false);
    expect(operators[2]?.disagreement).toMatch(/operators 1, 2 share another output/);
  });

  it("settled: a quorum that agrees with us, beside a quorum of cheats that was first", () => {
    const operators = honest(
      rules({ profile: EXACT, quorum: 2, committeeSize: 4, candidates: candidatesOf(4) }),
      [3, 4],
    );
    const injected = [1, 2].flatMap((id): { at: number; message: PeerMessage }[] => [
      { at: 0, message: commitOf(id, ham(0.9)) },
      { at: 100, message: revealOf(id, ham(0.9)) },
    ]);
    simulate({ operators, outputs: new Map([3, 4].map((id) => [id, spam(0.9)])), injected, untilMs: 1_000 });
    expect(operators[0]?.settlements[0]).toMatchObject({ output: spam(0.9), signers: [3, 4] });
  });

  it("pending: three different outputs are reported as split", () => {
    const operators = honest(network, [1, 2, 3]);
    const outputs = new Map([1, 2, 3].map((id) => [id, spam(id / 10)]));
    simulate({ operators, outputs, untilMs: 20_000 });
    for (const operator of operators) {
      expect(operator.settlements).toHaveLength(0);
      expect(operator.waitingFor).toMatch(/split/);
    }
  });
});

describe("models with a tolerance", () => {
  it("settled: unequal outputs within tolerance settle with the median", () => {
    const operators = honest(rules(), [1, 2, 3]);
    const outputs = new Map([
      [1, spam(0.9002)],
      [2, spam(0.9)],
      [3, spam(0.9001)],
    ]);
    simulate({ operators, outputs, untilMs: 2_500 });
    const settlements = operators.flatMap((operator) => operator.settlements);
    expect(settlements).toHaveLength(1);
    expect(settlements[0]?.output).toBe(spam(0.9001));
  });

  it("pending: an output just outside tolerance gets no attestation from the others", () => {
    const operators = honest(rules(), [1, 2, 3]);
    const outputs = new Map([
      [1, spam(0.9)],
      [2, spam(0.9)],
      [3, spam(0.9011)],
    ]);
    simulate({ operators, outputs, untilMs: 15_000 });
    expect(operators.flatMap((operator) => operator.settlements)).toHaveLength(0);
    expect(operators[2]?.disagreement).toMatch(/view 0 by operator 1/);
  });

  it("settled: the median of those with our label, beside a quorum of cheats that was first", () => {
    const operators = honest(rules({ quorum: 2, committeeSize: 4, candidates: candidatesOf(4) }), [3, 4]);
    const injected = [1, 2].flatMap((id): { at: number; message: PeerMessage }[] => [
      { at: 0, message: commitOf(id, ham(0.9)) },
      { at: 100, message: revealOf(id, ham(0.9)) },
    ]);
    simulate({ operators, outputs: new Map([3, 4].map((id) => [id, spam(0.9)])), injected, untilMs: 9_000 });
    const settlement = operators.flatMap((operator) => operator.settlements)[0];
    expect(settlement).toMatchObject({ output: spam(0.9), signers: [3, 4] });
  });

  it("settled: a silent proposer costs one view", () => {
    const network = rules({ quorum: 2 });
    const [second, third] = honest(network, [2, 3]);
    const outputs = new Map([2, 3].map((id) => [id, spam(0.7)]));
    // Operator 1 commits and reveals, then says no more: it is the proposer of view 0.
    const injected = [
      { at: 0, message: commitOf(1, spam(0.7)) as PeerMessage },
      { at: 100, message: revealOf(1, spam(0.7)) },
    ];
    const operators = [second, third].filter((operator) => operator !== undefined);
    simulate({ operators, outputs, injected, untilMs: 9_000 });
    const settlement = operators.flatMap((operator) => operator.settlements)[0];
    expect(settlement).toMatchObject({ view: 1, signers: [2, 3] });
  });
});

describe("commitments", () => {
  it("pending: too few commitments reveal nothing, and the silent operator is named", () => {
    const operators = honest(rules(), [1, 2]);
    simulate({ operators, outputs: new Map([1, 2].map((id) => [id, spam(0.9)])), untilMs: 60_000 });
    for (const operator of operators) {
      expect(operator.hasRevealed).toBe(false);
      expect(operator.waitingFor).toBe("commitments: 2 of 3; nothing from operator 3");
    }
  });

  it("settled: with quorum 2 of 3 a dead operator costs the commit grace", () => {
    const operators = honest(rules({ quorum: 2 }), [1, 2]);
    simulate({ operators, outputs: new Map([1, 2].map((id) => [id, spam(0.9)])), untilMs: 1_000 });
    expect(operators[0]?.settlements).toHaveLength(1);
  });

  it("settled: a commitment that comes after the reveals does not count", () => {
    const operators = honest(rules({ quorum: 2 }), [1, 2]);
    const injected = [
      { at: 600, message: commitOf(3, spam(0.9)) as PeerMessage },
      { at: 610, message: revealOf(3, spam(0.9)) },
    ];
    simulate({ operators, outputs: new Map([1, 2].map((id) => [id, spam(0.9)])), injected, untilMs: 3_000 });
    expect(operators.map(({ timely }) => timely)).toEqual([2, 2]);
    expect(operators[0]?.settlements[0]?.signers).toEqual([1, 2]);
  });

  it("settled: an early reveal does not shut out an honest commitment", () => {
    const operators = honest(rules({ quorum: 2 }), [1, 2]);
    const injected = [
      { at: 0, message: commitOf(3, ham(0.9)) as PeerMessage },
      { at: 1, message: revealOf(3, ham(0.9)) },
    ];
    const delay = (message: PeerMessage, to: number) => (message.operatorId === 2 && to === 1 ? 150 : 5);
    const outputs = new Map([1, 2].map((id) => [id, spam(0.9)]));
    simulate({ operators, outputs, injected, delay, untilMs: 10_000 });
    const settlement = operators.flatMap((operator) => operator.settlements)[0];
    expect(settlement).toMatchObject({ output: spam(0.9), signers: [1, 2] });
  });
});

describe("standing in", () => {
  const unanimous = rules({ profile: EXACT, candidates: candidatesOf(4) });
  const outputs = new Map([1, 2, 3, 4].map((id) => [id, spam(0.9)]));
  /** Operator 1 is in the committee and no friend; 2, 3 and 4 are honest, and 4 stands by. */
  const withCheat = (
    injected: { at: number; message: PeerMessage }[],
    untilMs = 20_000,
    network = unanimous,
  ) => {
    const operators = honest(network, [2, 3, 4]);
    simulate({ operators, outputs, injected, untilMs });
    return operators;
  };
  const attestation = (view: number, output: Hex): PeerMessage => ({
    kind: "attestation",
    requestId: REQUEST_ID,
    operatorId: 1,
    view,
    outputHash: keccak256(output),
    signature: "0x",
  });
  const settlements = (operators: HonestOperator[]) => operators.flatMap((operator) => operator.settlements);

  it("settled: a stand-by takes the place of who committed and never reveals", () => {
    const operators = withCheat([{ at: 0, message: commitOf(1, spam(0.9)) }]);
    expect(settlements(operators)[0]).toMatchObject({ output: spam(0.9), signers: [2, 3, 4] });
  });

  it("settled: a stand-by takes the place of who revealed something else", () => {
    const liar = [
      { at: 0, message: commitOf(1, ham(0.9)) as PeerMessage },
      { at: 50, message: revealOf(1, ham(0.9)) },
    ];
    expect(settlements(withCheat(liar))[0]).toMatchObject({ signers: [2, 3, 4] });
  });

  it("settled: a stand-by takes the place of who revealed and does not attest, under tolerance too", () => {
    const mute = [
      { at: 0, message: commitOf(1, spam(0.9)) as PeerMessage },
      { at: 50, message: revealOf(1, spam(0.9)) },
    ];
    expect(settlements(withCheat(mute))[0]).toMatchObject({ signers: [2, 3, 4] });
    const network = rules({ candidates: candidatesOf(4) });
    expect(settlements(withCheat(mute, 20_000, network))[0]).toMatchObject({ signers: [2, 3, 4] });
  });

  it("settled: who attests what it never opened is not named, and replaced", () => {
    const copier = [
      { at: 0, message: commitOf(1, ham(0.1)) as PeerMessage },
      { at: 60, message: attestation(0, spam(0.9)) },
    ];
    expect(settlements(withCheat(copier))[0]).toMatchObject({ signers: [2, 3, 4] });
  });

  it("settled: who attests two outputs is not named, and replaced", () => {
    const equivocator = [
      { at: 0, message: commitOf(1, spam(0.9)) as PeerMessage },
      { at: 50, message: revealOf(1, spam(0.9)) },
      { at: 51, message: attestation(0, ham(0.9)) },
      { at: 52, message: attestation(0, spam(0.9)) },
    ];
    expect(settlements(withCheat(equivocator))[0]).toMatchObject({ signers: [2, 3, 4] });
  });

  it("pending: nobody stands in before the committee had its time", () => {
    const operators = withCheat([{ at: 0, message: commitOf(1, spam(0.9)) }], 2_500);
    expect(operators[2]?.started).toBe(false);
    expect(operators[2]?.waitingFor).toBe("others revealed before we started");
  });

  it("settled: who signs two commitments does not count, and does not keep the medians apart", () => {
    const network = rules({ quorum: 2, committeeSize: 3, candidates: candidatesOf(3) });
    const operators = honest(network, [2, 3]);
    const two = [spam(0.9), spam(0.9004)].map((output) => [commitOf(1, output), revealOf(1, output)]);
    const delay = (message: PeerMessage, to: number) => {
      if (message.operatorId !== 1) return 5;
      // Each honest operator is told one story first, and both in the end.
      return two.findIndex((story) => story.includes(message as never)) === to - 2 ? 5 : 900;
    };
    const injected = two.flatMap(([commit, reveal]) => [
      { at: 0, message: commit as PeerMessage },
      { at: 50, message: reveal as PeerMessage },
    ]);
    const apart = new Map([
      [2, spam(0.9001)],
      [3, spam(0.9002)],
    ]);
    simulate({ operators, outputs: apart, injected, delay, untilMs: 20_000 });
    expect(settlements(operators)[0]).toMatchObject({ signers: [2, 3] });
  });

  it("settled: who committed late is woken by the clock when its turn comes, with nothing new to hear", () => {
    // Its commitment reaches the others after the cut-off, its reveal too; and all is said once only.
    const outsider = [
      { at: 0, message: commitOf(4, ham(0.9)) as PeerMessage },
      { at: 30, message: revealOf(4, ham(0.9)) },
    ];
    const network = rules({ profile: EXACT, committeeSize: 4, candidates: candidatesOf(4) });
    const four = honest(network, [1, 2, 3]);
    const delay = (message: PeerMessage) => (message.operatorId === 3 && message.kind === "commit" ? 700 : 5);
    simulate({ operators: four, outputs, injected: outsider, delay, untilMs: 20_000 });
    expect(settlements(four)[0]).toMatchObject({ signers: [1, 2, 3] });
  });

  it("settled: nobody stands in where a quorum attested in time, unless nothing comes of it", () => {
    const network = rules({ profile: EXACT, quorum: 2, candidates: candidatesOf(4) });
    const until = (ms: number) => withCheat([{ at: 0, message: commitOf(1, spam(0.9)) }], ms, network);
    const operators = until(8_000);
    expect(settlements(operators)[0]).toMatchObject({ signers: [2, 3] });
    expect(operators[2]?.started).toBe(false);
    // No chain takes settlements here, as if the quorum had been heard by this operator alone.
    expect(until(20_000)[2]?.started).toBe(true);
  });
});

describe("views", () => {
  it("last for an hour, one after the other, within what peers hear of", () => {
    expect([0, 1_999, 2_000, 15_999, 16_000, 19_999, 20_000].map((ms) => viewAt(ms, 2_000))).toEqual([
      0, 0, 1, 7, 8, 8, 9,
    ]);
    expect(viewAt(3_600_000, 100)).toBeLessThan(64);
    for (let view = 0; view < 24; view++) {
      expect(viewAt(viewStartsAfter(view, 700), 700)).toBe(view);
      if (view > 0) expect(viewAt(viewStartsAfter(view, 700) - 1, 700)).toBe(view - 1);
    }
  });
});

describe("tally", () => {
  it("counts an attestation that arrives before the commitment that makes it count", () => {
    const outputHash = keccak256(spam(0.9));
    const about = { requestId: REQUEST_ID, operatorId: 2, signature: "0x" } as const;
    const messages: PeerMessage[] = [
      { kind: "attestation", ...about, view: 0, outputHash },
      commitOf(2, spam(0.9)),
    ];
    const ballot = tally(
      { requestId: REQUEST_ID, quorum: 2, committeeSize: 3, commitGraceMs: 400 },
      candidatesOf(3),
      messages.map((message, seq) => ({ seq, message, receivedAt: seq })),
    );
    expect(ballot.attestations.map(({ signers }) => [...signers.keys()])).toEqual([[2]]);
  });
});

describe("safety and liveness", () => {
  const confidence = fc.integer({ min: 0, max: 4 }).map((step) => 0.5 + step * 0.0004);
  const output = fc.oneof(
    { weight: 4, arbitrary: confidence.map(spam) },
    { weight: 1, arbitrary: confidence.map(ham) },
  );

  it("holds for any outputs, order, delay and loss", { timeout: 120_000 }, () => {
    fc.assert(
      fc.property(
        fc.record({
          size: fc.integer({ min: 3, max: 5 }),
          quorum: fc.integer({ min: 2, max: 3 }),
          exact: fc.boolean(),
          outputs: fc.array(output, { minLength: 5, maxLength: 5 }),
          delays: fc.array(fc.option(fc.integer({ min: 0, max: 1_500 }), { nil: undefined, freq: 8 }), {
            minLength: 40,
            maxLength: 40,
          }),
        }),
        ({ size, quorum, exact, outputs, delays }) => {
          const network = rules({
            quorum,
            committeeSize: size,
            profile: exact ? EXACT : TOLERANCE,
            candidates: candidatesOf(size),
          });
          const ids = Array.from({ length: size }, (_, index) => index + 1);
          const operators = honest(network, ids);
          const byId = new Map(ids.map((id) => [id, outputs[id - 1] ?? "0x"]));
          let sent = 0;
          simulate({
            operators,
            outputs: byId,
            delay: () => delays[sent++ % delays.length],
            untilMs: 20_000,
          });
          for (const operator of operators) {
            const ours = byId.get(operator.id) ?? "0x";
            expectSafe(operator, network, ours);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it("settles whenever a quorum agrees and messages arrive", { timeout: 120_000 }, () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 3, max: 6 }),
        fc.boolean(),
        fc.array(fc.integer({ min: 0, max: 90 }), { minLength: 60, maxLength: 60 }),
        (size, exact, delays) => {
          const network = rules({
            quorum: 3,
            committeeSize: size,
            profile: exact ? EXACT : TOLERANCE,
            candidates: candidatesOf(size),
          });
          const ids = Array.from({ length: size }, (_, index) => index + 1);
          const operators = honest(network, ids);
          let sent = 0;
          simulate({
            operators,
            outputs: new Map(ids.map((id) => [id, spam(0.9)])),
            untilSettled: true,
            delay: () => delays[sent++ % delays.length],
            untilMs: 20_000,
          });
          expect(operators.flatMap((operator) => operator.settlements).length).toBeGreaterThan(0);
        },
      ),
      { numRuns: 200 },
    );
  });

  function expectSafe(operator: HonestOperator, network: NetworkRules, ours: Hex) {
    const attested = new Map<number, Hex>();
    for (const message of operator.said) {
      if (message.kind === "reveal") expect(message.commits.length).toBeGreaterThanOrEqual(network.quorum);
      if (message.kind !== "attestation") continue;
      expect(attested.get(message.view) ?? message.outputHash).toBe(message.outputHash);
      attested.set(message.view, message.outputHash);
      if (network.profile.kind === "exact") {
        expect(message.view).toBe(0);
        expect(message.outputHash).toBe(keccak256(ours));
      }
    }
    for (const { output: settled, signers } of operator.settlements) {
      expect(signers).toHaveLength(network.quorum);
      expect(signers).toContain(operator.id);
      expect(agree(network.codec, network.profile, ours, settled).agrees).toBe(true);
    }
    expect(operator.said.every(({ requestId }) => requestId === REQUEST_ID)).toBe(true);
  }
});
