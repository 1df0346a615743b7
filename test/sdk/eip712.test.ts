import {
  attestationDigest,
  attestationTypedData,
  attesterConsentDigest,
  attesterConsentTypedData,
  commitDigest,
  commitmentHash,
  commitTypedData,
  fromCompactSignature,
  InvalidSignatureError,
  outputHash,
  toCompactSignature,
} from "@sibyl/sdk";
import {
  type Address,
  concat,
  encodeAbiParameters,
  type Hex,
  keccak256,
  recoverTypedDataAddress,
  stringToBytes,
} from "viem";
import { describe, expect, test } from "vitest";
import { readVectors } from "./readVectors.ts";

interface Signed {
  chainId: number;
  digest: Hex;
  signature: Hex;
  signer: Address;
}
interface Attestation extends Signed {
  oracle: Address;
  requestHash: Hex;
  output: Hex;
  outputHash: Hex;
  view: number;
  r: Hex;
  vs: Hex;
}
interface Commit extends Signed {
  oracle: Address;
  requestHash: Hex;
  operatorId: number;
  outputHash: Hex;
  salt: Hex;
  commitment: Hex;
}
interface Consent extends Signed {
  registry: Address;
  owner: Address;
  attester: Address;
}

const typeHash = (type: string) => keccak256(stringToBytes(type));

/** EIP-712 by hand, as the contracts do it. */
function digest(name: string, chainId: number, contract: Address, struct: Hex): Hex {
  const domain = encodeAbiParameters(
    [{ type: "bytes32" }, { type: "bytes32" }, { type: "bytes32" }, { type: "uint256" }, { type: "address" }],
    [
      typeHash("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
      typeHash(name),
      typeHash("1"),
      BigInt(chainId),
      contract,
    ],
  );
  return keccak256(concat(["0x1901", keccak256(domain), keccak256(struct)]));
}

describe("attestation", () => {
  test.each(readVectors<Attestation>("attestation"))(
    "vector: chain $chainId, view $view, $signer",
    async (one) => {
      const { chainId, oracle, requestHash, view } = one;
      const message = { requestHash, outputHash: one.outputHash, view };
      expect(outputHash(one.output)).toBe(one.outputHash);
      const struct = encodeAbiParameters(
        [{ type: "bytes32" }, { type: "bytes32" }, { type: "bytes32" }, { type: "uint32" }],
        [
          typeHash("Attestation(bytes32 requestHash,bytes32 outputHash,uint32 view)"),
          requestHash,
          one.outputHash,
          view,
        ],
      );
      expect(attestationDigest({ chainId, oracle }, message)).toBe(one.digest);
      expect(digest("Sibyl", chainId, oracle, struct)).toBe(one.digest);
      const { signature } = one;
      const typed = attestationTypedData({ chainId, oracle }, message);
      expect(await recoverTypedDataAddress({ ...typed, signature })).toBe(one.signer);
      expect(toCompactSignature(signature)).toEqual({ r: one.r, vs: one.vs });
      expect(fromCompactSignature(one)).toBe(signature);
    },
  );

  test("domain: another chain or oracle is another digest", () => {
    const [first] = readVectors<Attestation>("attestation") as [Attestation];
    const other = "0x0000000000000000000000000000000000000001";
    expect(attestationDigest({ chainId: first.chainId + 1, oracle: first.oracle }, first)).not.toBe(
      first.digest,
    );
    expect(attestationDigest({ chainId: first.chainId, oracle: other }, first)).not.toBe(first.digest);
  });
});

describe("commit", () => {
  test.each(readVectors<Commit>("commit"))("vector: chain $chainId, operator $operatorId", async (one) => {
    const { chainId, oracle, requestHash, commitment } = one;
    expect(commitmentHash(one)).toBe(commitment);
    const struct = encodeAbiParameters(
      [{ type: "bytes32" }, { type: "bytes32" }, { type: "bytes32" }],
      [typeHash("Commit(bytes32 requestHash,bytes32 commitment)"), requestHash, commitment],
    );
    expect(commitDigest({ chainId, oracle }, one)).toBe(one.digest);
    expect(digest("Sibyl", chainId, oracle, struct)).toBe(one.digest);
    const typed = commitTypedData({ chainId, oracle }, { requestHash, commitment });
    expect(await recoverTypedDataAddress({ ...typed, signature: one.signature })).toBe(one.signer);
  });

  test("commitment: binds the operator, so that a copy does not open", () => {
    const [first] = readVectors<Commit>("commit") as [Commit];
    expect(commitmentHash({ ...first, operatorId: first.operatorId + 1 })).not.toBe(first.commitment);
  });
});

describe("attester consent", () => {
  test.each(readVectors<Consent>("attesterConsent"))("vector: chain $chainId, $attester", async (one) => {
    const { chainId, registry, owner, attester } = one;
    const struct = encodeAbiParameters(
      [{ type: "bytes32" }, { type: "address" }, { type: "address" }],
      [typeHash("AttesterConsent(address owner,address attester)"), owner, attester],
    );
    expect(attesterConsentDigest({ chainId, registry }, { owner, attester })).toBe(one.digest);
    expect(digest("Sibyl OperatorRegistry", chainId, registry, struct)).toBe(one.digest);
    const typed = attesterConsentTypedData({ chainId, registry }, { owner, attester });
    expect(await recoverTypedDataAddress({ ...typed, signature: one.signature })).toBe(attester);
  });
});

describe("compact signature", () => {
  const r = "11".repeat(32);
  const low = `${"00".repeat(31)}01`;

  test("v: 0 and 1 mean 27 and 28", () => {
    expect(toCompactSignature(`0x${r}${low}00`)).toEqual(toCompactSignature(`0x${r}${low}1b`));
    expect(toCompactSignature(`0x${r}${low}01`)).toEqual(toCompactSignature(`0x${r}${low}1c`));
    expect(fromCompactSignature(toCompactSignature(`0x${r}${low}01`))).toBe(`0x${r}${low}1c`);
  });

  test("malformed: wrong length, wrong v and the malleable twin are refused", () => {
    for (const signature of [`0x${r}${low}`, `0x${r}${low}1d`, `0x${r}${"ff".repeat(32)}1b`, "0xzz", "0x"]) {
      expect(() => toCompactSignature(signature as Hex), signature).toThrow(InvalidSignatureError);
    }
  });
});
