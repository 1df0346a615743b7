import { keccak256, toHex } from "viem";
import { afterAll, beforeAll, expect, test } from "vitest";
import { peerIdentity } from "../../../coprocessor/compose/peerIdentity.ts";
import { createPrivateKeySigner } from "../../../coprocessor/keys/privateKey.ts";
import { RecordBook } from "../../../coprocessor/peers/recordBook.ts";
import type { StoreUnderTest } from "../store/conformance.ts";
import { openEmbeddedStore } from "../store/embedded.ts";

const scope = { chainId: 31_337, oracle: "0x5FbDB2315678afecb367f032d93F642f64180aa3" } as const;
const PEER = "12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X";
const keyOf = (label: string) => createPrivateKeySigner(keccak256(toHex(label)));

let subject: StoreUnderTest;
beforeAll(async () => {
  subject = await openEmbeddedStore();
}, 120_000);
afterAll(() => subject.close());

test("proven: by the attester's own key, once the registry's events say that it is one with a seat", async () => {
  const { store } = subject;
  const [ours, theirs, stolen] = [keyOf("ours"), keyOf("theirs"), keyOf("stolen")];
  const book = new RecordBook(scope, peerIdentity({ scope, operatorId: 1, key: ours, store }));
  const record = async (key: typeof theirs) => {
    const issuer = new RecordBook(scope, peerIdentity({ scope, operatorId: 2, key, store }));
    return (await issuer.own(PEER, ["http://127.0.0.1:4001"])) as Uint8Array;
  };
  const judged = async (bytes: Uint8Array) => (await book.take(PEER, bytes))?.fault ?? null;
  const theirRecord = await record(theirs);
  expect(await judged(theirRecord)).toBe("unknown-operator");

  const operator = { operatorId: 2, owner: ours.address, attester: theirs.address, endpoint: "" };
  await store.putOperator(operator, 10n);
  expect(await judged(theirRecord)).toBe("no-seat");
  const seat = {
    modelId: keccak256("0x01"),
    operatorId: 2,
    attester: theirs.address,
    weight: 5n,
    activeFrom: 0,
  };
  await store.putEnrolment(seat, 11n);
  expect(await judged(theirRecord)).toBe(null);
  expect(book.operators()).toEqual([2]);

  await store.putEnrolment({ ...seat, weight: 0n }, 12n);
  expect(await judged(theirRecord)).toBe("no-seat");
  expect(await judged(await record(stolen))).toBe("not-its-attester");
});
