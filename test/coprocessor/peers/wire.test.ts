import { encode } from "cborg";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PeerMessage } from "../../../coprocessor/core/messages.ts";
import { createWire, NONCE_BYTES } from "../../../coprocessor/peers/wire.ts";
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

/** Bytes of a body that our encoder would not make. */
const forged = (body: unknown): Uint8Array => Buffer.concat([Buffer.from([1]), nonce, encode(body)]);
const bytes = (length: number) => new Uint8Array(length);
const attestation = {
  kind: "attestation",
  requestId: bytes(32),
  operatorId: 1,
  view: 0,
  outputHash: bytes(32),
  signature: bytes(65),
};
const proposal = {
  kind: "proposal",
  requestId: bytes(32),
  operatorId: 1,
  view: 0,
  output: bytes(3),
  reveals: [1, 2],
  signature: bytes(65),
};
const reveal = {
  kind: "reveal",
  requestId: bytes(32),
  operatorId: 1,
  output: bytes(3),
  salt: bytes(32),
  commits: [{ operatorId: 1, commitment: bytes(32), signature: bytes(65) }],
};

describe("wire", () => {
  test("round trip: every message comes back as it was, within the size limit", () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        const { bytes: sent } = wire.encode(message, nonce);
        expect(sent.length).toBeLessThanOrEqual(wire.maxMessageBytes);
        expect(wire.decode(sent)).toMatchObject({ ok: true, message });
      }),
      { numRuns: 300 },
    );
  });

  test("largest message: the limit has room for it", () => {
    const commits = Array.from({ length: 64 }, (_, i) => ({ ...commit(1), operatorId: 2 ** 32 - 1 - i }));
    const base = oneOfEach(MAX_OUTPUT)[1] as PeerMessage & { kind: "reveal" };
    const { bytes: sent } = wire.encode({ ...base, requestId: commit(1).requestId, commits }, nonce);
    expect(sent.length).toBeLessThanOrEqual(wire.maxMessageBytes);
    expect(wire.decode(sent).ok).toBe(true);
  });

  test("any bytes: decoding never throws", () => {
    const mutated = fc.tuple(anyMessage, fc.nat(), fc.nat(255)).map(([message, at, value]) => {
      const sent = wire.encode(message, nonce).bytes.slice();
      sent[at % sent.length] = value;
      return sent;
    });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 512 }), mutated), (anything) => {
        expect(typeof wire.decode(anything).ok).toBe("boolean");
      }),
      { numRuns: 2_000 },
    );
  });

  test("deep nesting: refused, not a stack overflow", () => {
    const deep = new Uint8Array(wire.maxMessageBytes).fill(0x81);
    deep[0] = 1;
    expect(wire.decode(deep)).toMatchObject({ ok: false, fault: "malformed" });
  });

  test("one encoding: changing any byte of the body gives another message or none", () => {
    const { bytes: sent } = wire.encode(oneOfEach()[1] as PeerMessage, nonce);
    const original = JSON.stringify(wire.decode(sent));
    for (let i = 1 + NONCE_BYTES; i < sent.length; i++) {
      for (const flip of [1, 0x20, 0x80]) {
        const changed = sent.slice();
        changed[i] = (changed[i] ?? 0) ^ flip;
        const decoded = wire.decode(changed);
        if (decoded.ok) expect(JSON.stringify(decoded)).not.toBe(original);
      }
    }
  });

  test.each([
    ["forged samples are well-formed otherwise", attestation, true],
    ["proposal sample", proposal, true],
    ["reveal sample", reveal, true],
    ["unknown key", { ...attestation, extra: 1 }],
    ["missing key", { ...attestation, signature: undefined }],
    ["__proto__ key", JSON.parse('{"__proto__": {"kind": "commit"}, "kind": "commit"}')],
    ["operator 0", { ...attestation, operatorId: 0 }],
    ["operator 2^32", { ...attestation, operatorId: 2 ** 32 }],
    ["operator 1.5", { ...attestation, operatorId: 1.5 }],
    ["operator as text", { ...attestation, operatorId: "1" }],
    ["operator 2^64", { ...attestation, operatorId: 2n ** 63n }],
    ["view -1", { ...attestation, view: -1 }],
    ["view 2^32", { ...attestation, view: 2 ** 32 }],
    ["short hash", { ...attestation, outputHash: bytes(31) }],
    ["hash as text", { ...attestation, outputHash: "0x00" }],
    ["long signature", { ...attestation, signature: bytes(66) }],
    ["reveals equal", { ...proposal, reveals: [1, 1] }],
    ["reveals falling", { ...proposal, reveals: [2, 1] }],
    ["reveals from 0", { ...proposal, reveals: [0, 1] }],
    ["65 reveals", { ...proposal, reveals: Array.from({ length: 65 }, (_, i) => i + 1) }],
    ["output over the limit", { ...proposal, output: bytes(MAX_OUTPUT + 1) }],
    ["65 commits", { ...reveal, commits: Array.from({ length: 65 }, () => reveal.commits[0]) }],
    [
      "commit with a request of its own",
      { ...reveal, commits: [{ ...reveal.commits[0], requestId: bytes(32) }] },
    ],
    ["not a map", [1, 2, 3]],
    ["null", null],
  ] as [string, unknown, true?][])("%s", (_, body, ok = false as never) => {
    const decoded = wire.decode(forged(body));
    expect(decoded.ok).toBe(ok);
    if (!decoded.ok) expect(decoded).toMatchObject({ fault: "malformed", detail: expect.any(String) });
  });

  test("integer written as a float: refused, since it would be a second encoding", () => {
    const body = Buffer.from(encode({ ...attestation, view: 3 })).toString("hex");
    const name = Buffer.from(encode("view")).toString("hex");
    const float = body.replace(`${name}03`, `${name}fb4008000000000000`);
    expect(float).not.toBe(body);
    const send = (hexBody: string) => Buffer.concat([Buffer.from([1]), nonce, Buffer.from(hexBody, "hex")]);
    expect(wire.decode(send(body)).ok).toBe(true);
    expect(wire.decode(send(float))).toMatchObject({
      ok: false,
      fault: "malformed",
      detail: "not canonical",
    });
  });

  test("faults: size, version and kind are told apart", () => {
    const good = wire.encode(commit(1), nonce).bytes;
    const newer = good.slice();
    newer[0] = 2;
    expect(wire.decode(new Uint8Array(wire.maxMessageBytes + 1))).toMatchObject({ fault: "too-large" });
    expect(wire.decode(newer)).toMatchObject({ fault: "unknown-version" });
    expect(wire.decode(forged({ kind: "record" }))).toMatchObject({ fault: "unknown-kind" });
    expect(wire.decode(good.subarray(0, 9))).toMatchObject({ fault: "malformed" });
  });

  test("encoding: what others would refuse is refused here, by name", () => {
    const odd = { ...commit(1), commitment: "0xabc" } as const;
    expect(() => wire.encode(odd, nonce)).toThrow(/hex/);
    expect(() => wire.encode({ ...commit(1), operatorId: 0 }, nonce)).toThrow(/operatorId/);
    expect(() => wire.encode(oneOfEach(MAX_OUTPUT + 1)[1] as PeerMessage, nonce)).toThrow(/output over/);
    expect(() => wire.encode(commit(1), new Uint8Array(3))).toThrow(/nonce/);
    const foreign = { ...(oneOfEach()[1] as PeerMessage & { kind: "reveal" }), commits: [commit(2)] };
    expect(() => wire.encode(foreign, nonce)).toThrow(/carries a commitment for/);
  });
});
