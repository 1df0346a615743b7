import fc from "fast-check";
import type { Hex } from "viem";
import { describe, expect, test } from "vitest";
import type {
  AttestationMessage,
  PeerMessage,
  ProposalMessage,
  RevealMessage,
} from "../../../coprocessor/core/messages.ts";
import {
  claimedMessages,
  createWire,
  MAX_MESSAGES_PER_BUNDLE,
  NONCE_BYTES,
} from "../../../coprocessor/peers/wire.ts";
import { commit, oneOfEach } from "./samples.ts";

const MAX_OUTPUT = 2_048;
const wire = createWire(MAX_OUTPUT);
const nonce = new Uint8Array(NONCE_BYTES).fill(7);

const hex = (minLength: number, maxLength = minLength) =>
  fc.uint8Array({ minLength, maxLength }).map((bytes) => `0x${Buffer.from(bytes).toString("hex")}` as const);
const id = fc.integer({ min: 1, max: 2 ** 32 - 1 });
const view = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const sealed = { operatorId: id, commitment: hex(32), signature: hex(65) };

const anyMessage: fc.Arbitrary<PeerMessage> = fc.oneof(
  fc.record({ kind: fc.constant("commit" as const), requestId: hex(32), ...sealed }),
  fc
    .record({
      kind: fc.constant("reveal" as const),
      requestId: hex(32),
      operatorId: id,
      output: hex(0, MAX_OUTPUT),
      salt: hex(32),
      commits: fc.array(fc.record(sealed), { maxLength: 64 }),
    })
    .map((reveal) => ({
      ...reveal,
      commits: reveal.commits.map((c) => ({ kind: "commit" as const, requestId: reveal.requestId, ...c })),
    })),
  fc.record({
    kind: fc.constant("proposal" as const),
    requestId: hex(32),
    operatorId: id,
    view,
    output: hex(0, MAX_OUTPUT),
    reveals: fc.uniqueArray(id, { maxLength: 64 }).map((ids) => ids.sort((a, b) => a - b)),
    signature: hex(65),
  }),
  fc.record({
    kind: fc.constant("attestation" as const),
    requestId: hex(32),
    operatorId: id,
    view,
    outputHash: hex(32),
    signature: hex(65),
  }),
);

const COUNT_AT = 1 + NONCE_BYTES;
/** Header and length of the first message. */
const FIRST = COUNT_AT + 1 + 4;
const lone = (message: PeerMessage) => wire.bundle([wire.encode(message)], nonce);
const forged = (...bodies: Uint8Array[]) => wire.bundle(bodies, nonce);
const [, reveal, proposal, attestation] = oneOfEach(3) as [
  PeerMessage,
  RevealMessage,
  ProposalMessage,
  AttestationMessage,
];

/** A well-formed message's bytes with others at a place. */
function changed(message: PeerMessage, at: number, ...values: number[]): Uint8Array {
  const bytes = wire.encode(message).slice();
  bytes.set(values, at);
  return bytes;
}

/** Where a message's fields begin. */
const OPERATOR = 33;
const AFTER_HEAD = 37;
const REVEAL_COMMITS = AFTER_HEAD + 32 + 4 + 3;
const PROPOSAL_REVEALS = AFTER_HEAD + 4 + 4 + 3;

describe("wire", () => {
  test("round trip: every bundle comes back as it was, within the size limit", () => {
    fc.assert(
      fc.property(fc.array(anyMessage, { minLength: 1, maxLength: 5 }), (messages) => {
        const bodies = messages.map(wire.encode);
        const fitting = wire.fitting(bodies);
        expect(fitting).toBeGreaterThan(0);
        const sent = wire.bundle(bodies.slice(0, fitting), nonce);
        expect(sent.length).toBeLessThanOrEqual(wire.maxBundleBytes);
        expect(claimedMessages(sent)).toBe(fitting);
        expect(wire.decode(sent)).toEqual({
          ok: true,
          messages: messages
            .slice(0, fitting)
            .map((message, i) => ({ message, body: Buffer.from(bodies[i] as Uint8Array) })),
          unknown: 0,
        });
      }),
      { numRuns: 300 },
    );
  });

  test("largest message: the limit is its size alone", () => {
    const commits = Array.from({ length: 64 }, (_, i) => ({ ...commit(1), operatorId: 2 ** 32 - 1 - i }));
    const base = oneOfEach(MAX_OUTPUT)[1] as RevealMessage;
    const sent = lone({ ...base, requestId: commit(1).requestId, commits });
    expect(sent.length).toBe(wire.maxBundleBytes);
    expect(wire.decode(sent).ok).toBe(true);
  });

  test("fitting: bounded by number and by bytes, and one always fits", () => {
    const small = Array.from({ length: 100 }, (_, i) => wire.encode(commit(i)));
    const large = wire.encode(oneOfEach(MAX_OUTPUT)[1] as PeerMessage);
    const roomy = createWire(1_000_000);
    expect(roomy.fitting(small)).toBe(MAX_MESSAGES_PER_BUNDLE);
    expect(wire.fitting([])).toBe(0);
    expect(wire.fitting([large, ...small])).toBeLessThan(MAX_MESSAGES_PER_BUNDLE);
    expect(wire.fitting([new Uint8Array(wire.maxBundleBytes), ...small])).toBe(1);
    const bundle = small.slice(0, wire.fitting(small));
    expect(wire.bundle(bundle, nonce).length).toBeLessThanOrEqual(wire.maxBundleBytes);
    const more = small.slice(0, bundle.length + 1);
    expect(wire.bundle(more, nonce).length).toBeGreaterThan(wire.maxBundleBytes);
  });

  test("any bytes: decoding never throws", () => {
    const mutated = fc
      .tuple(fc.array(anyMessage, { minLength: 1, maxLength: 3 }), fc.nat(), fc.nat(255))
      .map(([messages, at, value]) => {
        const sent = wire.bundle(messages.map(wire.encode), nonce);
        sent[at % sent.length] = value;
        return sent;
      });
    const headed = fc
      .uint8Array({ maxLength: 512 })
      .map((bytes) => Buffer.concat([[2], nonce, bytes].map(Buffer.from)));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 512 }), headed, mutated), (anything) => {
        const decoded = wire.decode(anything);
        if (decoded.ok) {
          // What is read is the only encoding of it.
          expect(
            decoded.messages.map(({ message }) => Buffer.from(wire.encode(message)).toString("hex")),
          ).toEqual(decoded.messages.map(({ body }) => Buffer.from(body).toString("hex")));
          expect(claimedMessages(anything)).toBe(decoded.messages.length + decoded.unknown);
        } else expect(decoded.detail).toBeTypeOf("string");
      }),
      { numRuns: 3_000 },
    );
  });

  test("one encoding: changing any byte of a message gives another message or none", () => {
    for (const message of oneOfEach(5)) {
      const sent = lone(message);
      for (let i = FIRST; i < sent.length; i++) {
        for (const flip of [1, 0x20, 0x80]) {
          const other = Buffer.from(sent);
          other[i] = (other[i] ?? 0) ^ flip;
          const decoded = wire.decode(other);
          if (decoded.ok) expect(decoded.messages.map((one) => one.message)).not.toEqual([message]);
        }
      }
    }
  });

  test.each<[string, Uint8Array, RegExp]>([
    ["kind 0", changed(commit(1), 0, 0), /kind 0/],
    ["operator 0", changed(commit(1), OPERATOR, 0, 0, 0, 0), /operatorId: 0/],
    ["missing bytes", wire.encode(attestation).subarray(0, -1), /needed/],
    ["bytes too many", Buffer.concat([wire.encode(attestation), Buffer.alloc(1)]), /1 bytes too many/],
    ["empty message", new Uint8Array(0), /needed/],
    ["output over the limit", changed(reveal, AFTER_HEAD + 32, 0, 0, 8, 1), /output over 2048/],
    ["output that ends too early", changed(reveal, AFTER_HEAD + 32, 0, 0, 7, 0), /needed/],
    ["65 commits", changed(reveal, REVEAL_COMMITS, 0, 0, 0, 65), /commits: 65/],
    ["4 billion commits", changed(reveal, REVEAL_COMMITS, 255, 255, 255, 255), /commits: 4294967295/],
    ["commits that are not there", changed(reveal, REVEAL_COMMITS, 0, 0, 0, 64), /commits: ends too early/],
    ["commits left over", changed(reveal, REVEAL_COMMITS, 0, 0, 0, 2), /bytes too many/],
    ["commit of operator 0", changed(reveal, REVEAL_COMMITS + 4, 0, 0, 0, 0), /commits.operatorId: 0/],
    ["65 reveals", changed(proposal, PROPOSAL_REVEALS, 0, 0, 0, 65), /reveals: 65/],
    ["reveals equal", changed(proposal, PROPOSAL_REVEALS + 8, 0, 0, 0, 1), /not increasing/],
    ["reveals falling", changed(proposal, PROPOSAL_REVEALS + 4, 0, 0, 0, 3), /not increasing/],
    ["reveals from 0", changed(proposal, PROPOSAL_REVEALS + 4, 0, 0, 0, 0), /reveals: 0/],
  ])("%s: nobody honest sends it, alone or beside something good", (_, body, detail) => {
    for (const sent of [
      forged(body),
      forged(wire.encode(commit(2)), body),
      forged(body, wire.encode(commit(2))),
    ])
      expect(wire.decode(sent)).toMatchObject({
        ok: false,
        fault: "malformed",
        detail: expect.stringMatching(detail),
      });
  });

  test("faults: size and version are told apart from nonsense", () => {
    const good = lone(commit(1));
    const newer = Buffer.from(good);
    newer[0] = 3;
    expect(wire.decode(new Uint8Array(wire.maxBundleBytes + 1))).toMatchObject({ fault: "too-large" });
    expect(wire.decode(newer)).toMatchObject({ fault: "unknown-version" });
    expect(wire.decode(good.subarray(0, COUNT_AT))).toMatchObject({ fault: "malformed" });
    expect(wire.decode(new Uint8Array(0))).toMatchObject({ fault: "malformed" });
  });

  test("unknown kind: counted and left alone, and the messages beside it are read", () => {
    const unknown = Uint8Array.of(200, 1, 2, 3);
    expect(wire.decode(forged(unknown))).toEqual({ ok: true, messages: [], unknown: 1 });
    const decoded = wire.decode(forged(unknown, wire.encode(commit(1)), Uint8Array.of(5)));
    expect(decoded).toMatchObject({ ok: true, messages: [{ message: commit(1) }], unknown: 2 });
  });

  test("number of messages: any other than the true one is refused", () => {
    const sent = forged(wire.encode(commit(1)), wire.encode(commit(2)));
    for (const count of [0, 1, 3, 64, 65, 255]) {
      const other = Buffer.from(sent);
      other[COUNT_AT] = count;
      expect(wire.decode(other)).toMatchObject({ ok: false, fault: "malformed" });
      expect(claimedMessages(other)).toBe(Math.max(1, count));
    }
    expect(claimedMessages(new Uint8Array(0))).toBe(1);
    // Another version's header is not ours to read.
    expect(claimedMessages(new Uint8Array(20).fill(9))).toBe(1);
    const long = Buffer.from(sent);
    long.writeUInt32BE(0xffff_ffff, COUNT_AT + 1);
    expect(wire.decode(long)).toMatchObject({ ok: false, fault: "malformed" });
  });

  test("encoding: what others would refuse is refused here, by name", () => {
    const odd = { ...commit(1), commitment: "0xabc" } as const;
    expect(() => wire.encode(odd)).toThrow(/commitment: not 32 bytes in hex/);
    expect(() => wire.encode({ ...commit(1), commitment: `0x${"zz".repeat(32)}` })).toThrow(/in hex/);
    expect(() => wire.encode({ ...commit(1), commitment: `00${"11".repeat(32)}` as Hex })).toThrow(/in hex/);
    expect(() => wire.encode({ ...reveal, output: "0xabc" })).toThrow(/output: not 2 bytes in hex/);
    for (const operatorId of [0, -1, 1.5, 2 ** 32, Number.NaN])
      expect(() => wire.encode({ ...commit(1), operatorId })).toThrow(/operatorId/);
    for (const view of [-1, 0.5, 2 ** 32])
      expect(() => wire.encode({ ...attestation, view })).toThrow(/view/);
    expect(() => wire.encode(oneOfEach(MAX_OUTPUT + 1)[1] as PeerMessage)).toThrow(/output over/);
    expect(() => wire.encode({ ...proposal, reveals: [2, 1] })).toThrow(/not increasing/);
    expect(() => wire.encode({ ...proposal, reveals: [1, 1] })).toThrow(/not increasing/);
    const many = Array.from({ length: 65 }, (_, i) => i + 1);
    expect(() => wire.encode({ ...proposal, reveals: many })).toThrow(/reveals: 65/);
    expect(() => wire.encode({ ...reveal, commits: many.map(() => commit(1)) })).toThrow(/commits: 65/);
    expect(() => wire.encode({ ...reveal, commits: [commit(2)] })).toThrow(/carries a commitment for/);
    expect(() => wire.bundle([wire.encode(commit(1))], new Uint8Array(3))).toThrow(/nonce/);
  });
});
