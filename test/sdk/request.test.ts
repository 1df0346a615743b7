import {
  MODEL_STATUSES,
  OutOfRangeError,
  packEnrolment,
  packModelTerms,
  packRequest,
  type RequestFields,
  requestId,
  unpackEnrolment,
  unpackModelTerms,
  unpackRequest,
} from "@sibyl/sdk";
import fc from "fast-check";
import { type Address, concat, encodePacked, getAddress, type Hex, keccak256 } from "viem";
import { describe, expect, test } from "vitest";
import { readVectors } from "./readVectors.ts";

type Stored<Fields> = { [Key in keyof Fields]: Fields[Key] extends bigint ? string : Fields[Key] };

const uint = (bits: number) => fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n });
const small = (bits: number) => fc.integer({ min: 0, max: 2 ** bits - 1 });
const bytes32 = uint(256).map((value): Hex => `0x${value.toString(16).padStart(64, "0")}`);
const address = uint(160).map((value) => getAddress(`0x${value.toString(16).padStart(40, "0")}`));

const requestFields: fc.Arbitrary<RequestFields> = fc.record({
  modelId: bytes32,
  inputHash: bytes32,
  consumer: address,
  deadline: small(40),
  callbackGasLimit: small(32),
  committeeSize: small(8),
  quorum: small(8),
  salt: small(8),
  totalWeight: uint(64),
  openedBlock: uint(48),
  openedAt: small(40),
  challengeWindow: small(24),
  arbiterIndex: small(8),
  roundSeconds: small(16),
  overdrawBps: small(16),
  royaltyBps: small(16),
  protocolBps: small(16),
  tokenIndex: small(8),
  fee: uint(96),
  gasReserve: uint(96),
  maxGasPrice: uint(64),
});

describe("request", () => {
  test("words: every packed request unpacks to its fields", () => {
    fc.assert(
      fc.property(requestFields, (fields) => {
        expect(unpackRequest(packRequest(fields))).toEqual(fields);
      }),
    );
  });

  test("words: every word packs back to itself", () => {
    fc.assert(
      fc.property(
        bytes32,
        bytes32,
        uint(256),
        uint(256),
        uint(256),
        (modelId, inputHash, terms, opening, funds) => {
          const words = { modelId, inputHash, terms, opening, funds };
          expect(packRequest(unpackRequest(words))).toEqual(words);
        },
      ),
    );
  });

  test("words: the layout is abi.encodePacked of the fields in their widths", () => {
    fc.assert(
      fc.property(requestFields, (fields) => {
        const words = packRequest(fields);
        const terms = encodePacked(
          ["address", "uint40", "uint32", "uint8", "uint8", "uint8"],
          [
            fields.consumer,
            fields.deadline,
            fields.callbackGasLimit,
            fields.committeeSize,
            fields.quorum,
            fields.salt,
          ],
        );
        const opening = encodePacked(
          ["uint64", "uint48", "uint40", "uint24", "uint8", "uint16", "uint16", "uint16", "uint16", "uint8"],
          [
            fields.totalWeight,
            Number(fields.openedBlock),
            fields.openedAt,
            fields.challengeWindow,
            fields.arbiterIndex,
            fields.roundSeconds,
            fields.overdrawBps,
            fields.royaltyBps,
            fields.protocolBps,
            fields.tokenIndex,
          ],
        );
        const funds = encodePacked(
          ["uint96", "uint96", "uint64"],
          [fields.fee, fields.gasReserve, fields.maxGasPrice],
        );
        expect([words.terms, words.opening, words.funds]).toEqual([
          BigInt(terms),
          BigInt(opening),
          BigInt(funds),
        ]);
        expect(requestId(words)).toBe(
          keccak256(concat([fields.modelId, fields.inputHash, terms, opening, funds])),
        );
      }),
    );
  });

  test("words: a field wider than its bits is refused by name", () => {
    const fields = unpackRequest({ modelId: "0x", inputHash: "0x", terms: 0n, opening: 0n, funds: 0n });
    expect(() => packRequest({ ...fields, quorum: 256 })).toThrow(OutOfRangeError);
    expect(() => packRequest({ ...fields, quorum: 256 })).toThrow(/quorum/);
    expect(() => packRequest({ ...fields, fee: -1n })).toThrow(/fee/);
    expect(() =>
      unpackRequest({ modelId: "0x", inputHash: "0x", terms: 1n << 256n, opening: 0n, funds: 0n }),
    ).toThrow(OutOfRangeError);
  });

  test.each(
    readVectors<
      Stored<RequestFields> & { name: string; terms: string; opening: string; funds: string; requestId: Hex }
    >("request"),
  )("vector: $name", ({ name: _, requestId: id, ...stored }) => {
    const words = {
      modelId: stored.modelId,
      inputHash: stored.inputHash,
      terms: BigInt(stored.terms),
      opening: BigInt(stored.opening),
      funds: BigInt(stored.funds),
    };
    expect(requestId(words)).toBe(id);
    const fields = unpackRequest(words);
    for (const [key, value] of Object.entries(fields))
      expect(String(value)).toBe(String(stored[key as "fee"]));
    expect(packRequest(fields)).toEqual(words);
  });
});

describe("enrolment", () => {
  test.each(
    readVectors<{ attester: Address; weight: string; activeFrom: number; packed: string }>("enrolment"),
  )("vector: weight $weight", ({ attester, weight, activeFrom, packed }) => {
    expect(unpackEnrolment(BigInt(packed))).toEqual({ attester, weight: BigInt(weight), activeFrom });
    expect(packEnrolment({ attester, weight: BigInt(weight), activeFrom })).toBe(BigInt(packed));
  });

  test("seat: every word packs back to itself", () => {
    fc.assert(
      fc.property(uint(256), (word) => {
        expect(packEnrolment(unpackEnrolment(word))).toBe(word);
      }),
    );
  });
});

describe("model terms", () => {
  interface Terms {
    pricePerExecution: string;
    pricePerKiB: string;
    royaltyBps: number;
    tokenIndex: number;
    status: number;
    packed: string;
  }
  test.each(readVectors<Terms>("modelTerms"))("vector: status $status", (stored) => {
    const fields = unpackModelTerms(BigInt(stored.packed));
    expect(fields).toEqual({
      pricePerExecution: BigInt(stored.pricePerExecution),
      pricePerKiB: BigInt(stored.pricePerKiB),
      royaltyBps: stored.royaltyBps,
      tokenIndex: stored.tokenIndex,
      status: MODEL_STATUSES[stored.status],
    });
    expect(packModelTerms(fields)).toBe(BigInt(stored.packed));
  });

  test("status: one that this version does not know is refused", () => {
    expect(() => unpackModelTerms(3n << 32n)).toThrow(/model status/);
  });
});
