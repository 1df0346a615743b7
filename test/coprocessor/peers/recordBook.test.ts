import { encode } from "cborg";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PeerRecord, SignedPeerRecord } from "../../../coprocessor/core/peerRecord.ts";
import { anonymous, RecordBook } from "../../../coprocessor/peers/recordBook.ts";
import { decodeRecord, encodeRecord, MAX_RECORD_BYTES } from "../../../coprocessor/peers/recordWire.ts";
import { attesterOf, operatorIdentity, signRecord } from "./identity.ts";

const scope = { chainId: 31_337, oracle: "0x5FbDB2315678afecb367f032d93F642f64180aa3" } as const;
const START_MS = 1_800_000_000_000;
const PEER = "12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X";

const fields = (more: Partial<PeerRecord> = {}): PeerRecord => ({
  ...scope,
  peerId: PEER,
  operatorId: 3,
  addresses: [],
  issuedAt: START_MS / 1_000,
  expiresAt: START_MS / 1_000 + 1_800,
  ...more,
});

/** A book of operator 1's, with a clock and a registry that can be changed. */
function open() {
  const world = {
    nowMs: START_MS,
    seated: true,
    known: true,
    attester: attesterOf(3).address,
    asked: 0,
    signed: 0,
  };
  const identity = operatorIdentity(scope, 1, {
    nowMs: () => world.nowMs,
    standingOf(id) {
      world.asked += 1;
      if (!world.known || id !== 3) return null;
      return { attester: world.attester, seated: world.seated };
    },
  });
  const issue: typeof identity.issue = (own) => {
    world.signed += 1;
    return identity.issue(own);
  };
  return { world, book: new RecordBook(scope, { ...identity, issue }) };
}

const take = async (book: RecordBook, record: PeerRecord, peer = PEER, signer = record.operatorId) =>
  (await book.take(peer, encodeRecord(await signRecord(record, signer))))?.fault ?? null;

describe("record on the wire", () => {
  test("round trip: it comes back as it was", async () => {
    const record = await signRecord(fields({ addresses: ["http://127.0.0.1:4001", "http://[::1]:4001"] }));
    const decoded = decodeRecord(encodeRecord(record));
    expect(decoded).toEqual({ ok: true, record: { ...record, oracle: record.oracle.toLowerCase() } });
  });

  test("any bytes: never throws, and nothing that is over a limit or has other fields is a record", async () => {
    const good = await signRecord(fields());
    const odd = (more: object) => decodeRecord(encode({ ...wire(good), ...more })).ok;
    expect(odd({})).toBe(true);
    expect(odd({ extra: 1 })).toBe(false);
    expect(odd({ operatorId: 0 })).toBe(false);
    expect(odd({ operatorId: "3" })).toBe(false);
    expect(odd({ addresses: ["a", "b", "c", "d", "e"] })).toBe(false);
    expect(odd({ addresses: ["x".repeat(257)] })).toBe(false);
    expect(odd({ issuedAt: -1 })).toBe(false);
    expect(odd({ expiresAt: 1.5 })).toBe(false);
    expect(odd({ signature: new Uint8Array(64) })).toBe(false);
    expect(decodeRecord(new Uint8Array(MAX_RECORD_BYTES + 1))).toMatchObject({ ok: false });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(), fc.nat(255), (noise, at, value) => {
        const changed = encodeRecord(good).slice();
        changed[at % changed.length] = value;
        for (const bytes of [noise, changed]) expect(typeof decodeRecord(bytes).ok).toBe("boolean");
      }),
      { numRuns: 1_000 },
    );
  });
});

const wire = (record: SignedPeerRecord) => ({
  ...record,
  oracle: Buffer.from(record.oracle.slice(2), "hex"),
  signature: Buffer.from(record.signature.slice(2), "hex"),
});

describe("record book", () => {
  test("proof: a bonded operator's own record makes its peer the operator's, until it expires", async () => {
    const { world, book } = open();
    expect(book.isProven(PEER)).toBe(false);
    expect(await take(book, fields())).toBe(null);
    expect(book.isProven(PEER)).toBe(true);
    expect(book.operators()).toEqual([3]);
    world.nowMs += 1_799_000;
    expect(book.isProven(PEER)).toBe(true);
    world.nowMs += 1_000;
    expect(book.isProven(PEER)).toBe(false);
    await book.refresh();
    expect(book.peers()).toEqual([]);
  });

  test.each([
    ["another chain's", { chainId: 1 }, {}, "wrong-scope"],
    ["another oracle's", { oracle: attesterOf(9).address }, {}, "wrong-scope"],
    ["another peer's", { peerId: "12D3KooWanother" }, {}, "wrong-peer"],
    ["expired", { issuedAt: 1_799_990_000, expiresAt: 1_799_999_999 }, {}, "expired"],
    ["of a clock an hour ahead", { issuedAt: 1_800_003_600, expiresAt: 1_800_005_400 }, {}, "not-yet-valid"],
    ["for a year", { expiresAt: 1_831_536_000 }, {}, "lives-too-long"],
    ["signed by somebody else", {}, { signer: 4 }, "not-its-attester"],
    ["of nobody's operator", { operatorId: 7 }, {}, "unknown-operator"],
  ] as const)(
    "%s record: refused by name",
    async (_, more, { signer = undefined }: { signer?: number }, fault) => {
      const { book } = open();
      expect(await take(book, fields(more), PEER, signer)).toBe(fault);
      expect(book.isProven(PEER)).toBe(false);
      expect(book.operators()).toEqual([]);
    },
  );

  test("bytes that are no record, a signature that is none: refused by name, nothing is kept", async () => {
    const { book, world } = open();
    expect((await book.take(PEER, Buffer.from("{}")))?.fault).toBe("malformed");
    const unsigned = { ...fields(), signature: `0x${"00".repeat(65)}` } as const;
    expect((await book.take(PEER, encodeRecord(unsigned)))?.fault).toBe("bad-signature");
    expect(book.peers()).toEqual([]);
    expect(world.asked).toBe(0);
  });

  test("registry: an operator that is read later, leaves or rotates its key is judged anew", async () => {
    const { world, book } = open();
    world.known = false;
    expect(await take(book, fields())).toBe("unknown-operator");
    world.known = true;
    await book.refresh();
    expect(book.isProven(PEER)).toBe(true);
    world.seated = false;
    await book.refresh();
    expect(book.isProven(PEER)).toBe(false);
    world.seated = true;
    world.attester = attesterOf(4).address;
    await book.refresh();
    expect(book.isProven(PEER)).toBe(false);
    world.attester = attesterOf(3).address;
    await book.refresh();
    expect(book.isProven(PEER)).toBe(true);
  });

  test("one operator, many peers: only the one with the latest record is the operator's", async () => {
    const { book } = open();
    const peers = ["12D3KooWa", "12D3KooWb", "12D3KooWc"];
    const later = START_MS / 1_000 + 10;
    expect(await take(book, fields({ peerId: peers[0] as string }), peers[0])).toBe(null);
    expect(await take(book, fields({ peerId: peers[1] as string, issuedAt: later }), peers[1])).toBe(null);
    expect(await take(book, fields({ peerId: peers[2] as string }), peers[2])).toBe("superseded");
    expect(peers.map((peer) => book.isProven(peer))).toEqual([false, true, false]);
    await book.refresh();
    expect(peers.map((peer) => book.isProven(peer))).toEqual([false, true, false]);
    book.forget(peers[1] as string);
    await book.refresh();
    expect(peers.filter((peer) => book.isProven(peer))).toHaveLength(1);
    expect(book.operators()).toEqual([3]);
  });

  test("older record: it does not take the place of a newer one of the same peer", async () => {
    const { book } = open();
    const now = START_MS / 1_000;
    await take(book, fields({ issuedAt: now, addresses: ["http://new"] }));
    await take(book, fields({ issuedAt: now - 60, addresses: ["http://old"] }));
    expect(book.recordOf(PEER)?.addresses).toEqual(["http://new"]);
  });

  test("own record: signed once however many ask, and anew when half of its time is over", async () => {
    const { world, book } = open();
    const many = await Promise.all(Array.from({ length: 20 }, () => book.own(PEER, [])));
    expect(world.signed).toBe(1);
    expect(new Set(many.map((bytes) => Buffer.from(bytes as Uint8Array).toString("hex"))).size).toBe(1);
    world.nowMs += 899_000;
    await book.own(PEER, []);
    expect(world.signed).toBe(1);
    world.nowMs += 1_000;
    const renewed = decodeRecord((await book.own(PEER, [])) as Uint8Array);
    expect(world.signed).toBe(2);
    expect(renewed).toMatchObject({
      ok: true,
      record: { issuedAt: world.nowMs / 1_000, expiresAt: world.nowMs / 1_000 + 1_800 },
    });
    await book.own(PEER, ["http://127.0.0.1:1"]);
    expect(world.signed).toBe(3);
  });

  test("signer that fails: the next who asks tries it again", async () => {
    let calls = 0;
    const book = new RecordBook(scope, {
      ...anonymous,
      async issue() {
        calls += 1;
        throw new Error("the signer is away");
      },
    });
    await expect(book.own(PEER, [])).rejects.toThrow("the signer is away");
    await expect(book.own(PEER, [])).rejects.toThrow("the signer is away");
    expect(calls).toBe(2);
  });
});
