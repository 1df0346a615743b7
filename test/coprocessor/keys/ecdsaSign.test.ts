import { attestationPreimage, attestationTypedData, commitPreimage, commitTypedData } from "@sibyl/sdk";
import fc from "fast-check";
import { type Hex, hexToBytes, keccak256 } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { describe, expect, it } from "vitest";
import { type EcdsaSign, nativeSign, nobleSign } from "../../../coprocessor/keys/ecdsaSign.ts";
import { createPrivateKeySigner } from "../../../coprocessor/keys/privateKey.ts";
import { recoverDigest } from "../../../coprocessor/keys/recover.ts";

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const SCOPE = { chainId: 31_337, oracle: "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512" } as const;

const engines: [string, EcdsaSign][] = [["noble", nobleSign]];
if (nativeSign) engines.push(["native", nativeSign]);

const word = fc.uint8Array({ minLength: 32, maxLength: 32 });
const hexOf = (bytes: Uint8Array): Hex => `0x${Buffer.from(bytes).toString("hex")}`;
const inRange = (key: Uint8Array): boolean => BigInt(hexOf(key)) > 0n && BigInt(hexOf(key)) < ORDER;

describe.each(engines)("signatures of %s", (_, engine) => {
  it("those that viem's account of the key makes, for any key and bytes, and recoverable", async () => {
    await fc.assert(
      fc.asyncProperty(word.filter(inRange), fc.uint8Array({ maxLength: 80 }), async (key, bytes) => {
        const theirs = privateKeyToAccount(hexOf(key));
        const signature = await createPrivateKeySigner(hexOf(key), engine).sign(hexOf(bytes));
        expect(signature).toBe(await theirs.sign({ hash: keccak256(bytes) }));
        expect(recoverDigest(keccak256(bytes), signature)).toBe(theirs.address);
      }),
      { numRuns: 40 },
    );
  });

  it("the lowest and the highest key sign too", () => {
    for (const key of [1n, ORDER - 1n]) {
      const bytes = hexToBytes(`0x${key.toString(16).padStart(64, "0")}`);
      expect(engine(new Uint8Array(32), bytes).compact).toEqual(nobleSign(new Uint8Array(32), bytes).compact);
    }
  });
});

it.runIf(process.platform === "linux" && process.arch === "x64")(
  "the native engine loads on linux-x64",
  () => {
    expect(nativeSign).not.toBeNull();
  },
);

it("account and preimage: one signature for typed data, messages and transactions, and viem's own", async () => {
  const hex = generatePrivateKey();
  const [key, theirs] = [createPrivateKeySigner(hex), privateKeyToAccount(hex)];
  const hash = keccak256("0x01");
  const attestation = { requestHash: hash, outputHash: keccak256("0x02"), view: 7 };
  const commit = { requestHash: hash, commitment: keccak256("0x03") };

  const attested = await theirs.signTypedData(attestationTypedData(SCOPE, attestation));
  expect(await key.sign(attestationPreimage(SCOPE, attestation))).toBe(attested);
  expect(await key.account.signTypedData(attestationTypedData(SCOPE, attestation))).toBe(attested);

  const committed = await theirs.signTypedData(commitTypedData(SCOPE, commit));
  expect(await key.sign(commitPreimage(SCOPE, commit))).toBe(committed);
  expect(await key.account.signTypedData(commitTypedData(SCOPE, commit))).toBe(committed);

  expect(await key.account.signMessage({ message: "hello" })).toBe(
    await theirs.signMessage({ message: "hello" }),
  );
  const transaction = {
    type: "eip1559",
    chainId: 31_337,
    nonce: 3,
    to: SCOPE.oracle,
    data: "0x1234",
    gas: 100_000n,
    maxFeePerGas: 10n,
    maxPriorityFeePerGas: 1n,
  } as const;
  expect(await key.account.signTransaction(transaction)).toBe(await theirs.signTransaction(transaction));
});
