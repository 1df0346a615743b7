import { attestationDigest, attestationTypedData } from "@sibyl/sdk";
import fc from "fast-check";
import { concatHex, type Hex, hexToBytes, keccak256, numberToHex, slice } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { describe, expect, it } from "vitest";
import { type EcdsaRecover, nativeRecover, nobleRecover } from "../../../coprocessor/keys/ecdsaRecover.ts";
import { recoverDigest, recoverTypedDataSigner } from "../../../coprocessor/keys/recover.ts";

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const account = privateKeyToAccount("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");
const digest = keccak256("0x1234");
const signature = await account.sign({ hash: digest });

const engines: [string, EcdsaRecover][] = [["noble", nobleRecover]];
if (nativeRecover) engines.push(["native", nativeRecover]);

const withV = (v: number): Hex => concatHex([slice(signature, 0, 64), numberToHex(v, { size: 1 })]);

describe.each(engines)("recoverDigest on %s", (_, engine) => {
  it("the signer of a digest", () => {
    expect(recoverDigest(digest, signature, engine)).toBe(account.address);
  });

  it("another address, never the signer's: another digest", () => {
    const other = recoverDigest(keccak256("0x1235"), signature, engine);
    expect(other).toBeDefined();
    expect(other).not.toBe(account.address);
  });

  const highS = concatHex([
    slice(signature, 0, 32),
    numberToHex(ORDER - BigInt(slice(signature, 32, 64)), { size: 32 }),
    slice(signature, 64) === "0x1b" ? "0x1c" : "0x1b",
  ]);
  const part = (r: bigint, s: bigint): Hex =>
    concatHex([numberToHex(r, { size: 32 }), numberToHex(s, { size: 32 }), "0x1b"]);
  it.each<[string, unknown]>([
    ["64 bytes (EIP-2098)", slice(signature, 0, 64)],
    ["66 bytes", concatHex([signature, "0x00"])],
    ["v 0", withV(0)],
    ["v 1", withV(1)],
    ["v 29", withV(29)],
    ["s in the upper half, with the other v", highS],
    ["r zero", part(0n, 1n)],
    ["s zero", part(1n, 0n)],
    ["r at the group order", part(ORDER, 1n)],
    ["r that no point has", part(5n, 1n)],
    ["not hex", `0x${"zz".repeat(65)}`],
    ["no string", undefined],
    ["a number", 12],
  ])("undefined, never thrown: %s", (_fact, wrong) => {
    expect(recoverDigest(digest, wrong as Hex, engine)).toBeUndefined();
  });

  it("undefined: a digest that is not 32 bytes", () => {
    expect(recoverDigest("0x12", signature, engine)).toBeUndefined();
  });
});

it("both engines agree on any bytes", () => {
  if (!nativeRecover) return;
  const native = nativeRecover;
  const bytes = (size: number) => fc.uint8Array({ minLength: size, maxLength: size });
  fc.assert(
    fc.property(bytes(32), bytes(32), bytes(32), fc.constantFrom(27, 28), (hash, r, s, v) => {
      const low = s.map((byte, index) => (index === 0 ? byte & 0x7f : byte));
      const hex = (value: Uint8Array) => `0x${Buffer.from(value).toString("hex")}` as const;
      const candidate = concatHex([hex(r), hex(low), numberToHex(v, { size: 1 })]);
      expect(recoverDigest(hex(hash), candidate, native)).toBe(
        recoverDigest(hex(hash), candidate, nobleRecover),
      );
    }),
    { numRuns: 60 },
  );
});

it.runIf(process.platform === "linux" && process.arch === "x64")(
  "the native engine loads on linux-x64",
  () => {
    expect(nativeRecover).not.toBeNull();
    const publicKey = nativeRecover?.(
      hexToBytes(signature).subarray(0, 64),
      slice(signature, 64) === "0x1b" ? 0 : 1,
      hexToBytes(digest),
    );
    expect(publicKey).toHaveLength(65);
  },
);

describe("recoverTypedDataSigner", () => {
  const scope = { chainId: 31_337, oracle: account.address };
  const message = { requestHash: digest, outputHash: digest, view: 3 };

  it("the signer of an attestation, by its typed data as by its digest", async () => {
    const data = attestationTypedData(scope, message);
    const signed = await account.signTypedData(data);
    expect(recoverTypedDataSigner(data, signed)).toBe(account.address);
    expect(recoverDigest(attestationDigest(scope, message), signed)).toBe(account.address);
    const elsewhere = attestationTypedData({ ...scope, chainId: 1 }, message);
    expect(recoverTypedDataSigner(elsewhere, signed)).not.toBe(account.address);
  });

  it("undefined: a message that does not fit its types", () => {
    const data = attestationTypedData(scope, { ...message, view: -1 });
    expect(recoverTypedDataSigner(data, signature)).toBeUndefined();
  });
});
