import { hashWith, keccak256 } from "@sibyl/sdk/keccak256";
import fc from "fast-check";
import { bytesToHex, type Hex, keccak256 as portableKeccak256 } from "viem";
import { expect, test } from "vitest";
import { hashInWasm, wasmKeccak256 } from "../../../coprocessor/keys/wasmKeccak.ts";

test("the same hash as in JavaScript, of bytes and of hex, over the sponge's edges", async () => {
  const fast = await wasmKeccak256();
  for (const length of [0, 1, 135, 136, 137, 271, 272, 273, 70_000]) {
    const bytes = new Uint8Array(length).fill(length % 251);
    expect(fast(bytes)).toBe(portableKeccak256(bytes));
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
      const hex = bytesToHex(bytes);
      return fast(bytes) === portableKeccak256(bytes) && fast(hex) === portableKeccak256(hex);
    }),
  );
});

test("what is no hex is refused, as in JavaScript", async () => {
  const fast = await wasmKeccak256();
  for (const wrong of ["0xzz", "0x0g"] as Hex[]) expect(() => fast(wrong)).toThrow();
});

test("brought to the SDK: in use from then on; what computes something else is refused", async () => {
  await hashInWasm();
  expect(keccak256("0x")).toBe("0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
  expect(() => hashWith(() => "0x00")).toThrow("does not compute Keccak-256");
  expect(keccak256("0x")).toBe("0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
});
