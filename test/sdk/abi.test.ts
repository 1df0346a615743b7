import fc from "fast-check";
import { type AbiParameter, bytesToHex, decodeAbiParameters, encodeAbiParameters, type Hex } from "viem";
import { describe, expect, test } from "vitest";
import { type AbiType, decodeAbi, encodeAbi } from "../../sdk/codec/abi.ts";

const UINT256 = fc.bigInt({ min: 0n, max: (1n << 256n) - 1n });
const INT256 = fc.bigInt({ min: -(1n << 255n), max: (1n << 255n) - 1n });
const VALUES: Record<AbiType, fc.Arbitrary<unknown>> = {
  uint8: fc.integer({ min: 0, max: 0xff }),
  uint32: fc.integer({ min: 0, max: 0xffff_ffff }),
  uint256: UINT256,
  int256: INT256,
  "uint32[]": fc.array(fc.integer({ min: 0, max: 0xffff_ffff }), { maxLength: 4 }),
  "uint256[]": fc.array(UINT256, { maxLength: 4 }),
  "int256[]": fc.array(INT256, { maxLength: 4 }),
  bytes: fc.uint8Array({ maxLength: 70 }),
};
/** Those of the codecs. */
const LAYOUTS: AbiType[][] = [
  ["int256"],
  ["uint32", "uint256"],
  ["uint32", "uint256", "uint256[]"],
  ["int256[]"],
  ["bytes"],
  ["uint8", "uint32[]", "bytes"],
];

const parametersOf = (types: readonly AbiType[]): AbiParameter[] => types.map((type) => ({ type }));
const forViem = (values: readonly unknown[]) =>
  values.map((value) => (value instanceof Uint8Array ? bytesToHex(value) : value)) as never;

/** What viem makes of an encoding, in our words. */
function byViem(types: readonly AbiType[], encoding: Hex): { kind: string; values?: unknown } {
  let values: readonly unknown[];
  try {
    values = decodeAbiParameters(parametersOf(types), encoding);
  } catch {
    return { kind: "outside" };
  }
  try {
    if (encodeAbiParameters(parametersOf(types), values as never) === encoding)
      return { kind: "values", values };
  } catch {
    // Dirty bits above a short integer.
  }
  return { kind: "dirty" };
}

describe.each(LAYOUTS.map((types) => [types.join(), types] as const))("%s", (_, types) => {
  const values = fc.tuple(...types.map((type) => VALUES[type]));

  test("encodes as viem does, and decodes again", () => {
    fc.assert(
      fc.property(values, (given) => {
        const encoding = encodeAbi(types, given as never);
        const hex = encodeAbiParameters(parametersOf(types), forViem(given));
        expect(bytesToHex(encoding)).toBe(hex);
        // Also from the middle of other bytes.
        const among = new Uint8Array([7, ...encoding, 7]).subarray(1, -1);
        for (const form of [hex, encoding, among]) {
          const decoded = decodeAbi(types, form);
          expect(decoded).toMatchObject({ kind: "values" });
          if (decoded.kind === "values") expect(forViem(decoded.values)).toEqual(forViem(given));
        }
      }),
      { numRuns: 300 },
    );
  });

  test("judges what was changed, cut or made longer as viem does", () => {
    const change = fc.record({
      given: values,
      cut: fc.nat({ max: 40 }),
      more: fc.uint8Array({ maxLength: 33 }),
      // Words mostly hold small numbers at their ends; so do those that matter.
      at: fc.nat(),
      byte: fc.constantFrom(0, 1, 2, 31, 32, 33, 64, 96, 128, 255),
      which: fc.constantFrom("cut", "more", "change", "end of word"),
    });
    const kinds = new Set<string>();
    fc.assert(
      fc.property(change, ({ given, cut, more, at, byte, which }) => {
        const bytes = encodeAbi(types, given as never);
        let changed = bytes;
        if (which === "cut") changed = bytes.slice(0, Math.max(0, bytes.length - cut));
        if (which === "more") changed = Uint8Array.from([...bytes, ...more]);
        if (which === "change") changed[at % bytes.length] = byte;
        if (which === "end of word") changed[(at % (bytes.length / 32)) * 32 + 31] = byte;
        const encoding = bytesToHex(changed);
        const decoded = decodeAbi(types, encoding);
        expect(decodeAbi(types, changed)).toEqual(decoded);
        const expected = byViem(types, encoding);
        kinds.add(decoded.kind);
        // The two differ over what cannot be decoded; that it is refused is what counts.
        if (decoded.kind === "values" || expected.kind === "values") {
          expect(decoded.kind, encoding).toBe(expected.kind);
        }
        if (decoded.kind === "values") expect(forViem(decoded.values)).toEqual(expected.values);
      }),
      { numRuns: 1_000 },
    );
    expect([...kinds].sort()).toEqual(["dirty", "outside", "values"]);
  });
});

test("no hex: is outside of everything", () => {
  for (const encoding of ["", "0x0", "0xzz", "00", null, 7, "0x０0"]) {
    expect(decodeAbi(["bytes"], encoding)).toEqual({ kind: "outside" });
  }
});
