import {
  describeProfile,
  OUTPUT_CODECS,
  OutOfRangeError,
  type OutputCodec,
  packProfile,
  parseWad,
  unpackProfile,
} from "@sibyl/sdk";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readVectors } from "./readVectors.ts";

interface ProfileVector {
  kind: number;
  codec: number;
  abs: string;
  rel: string;
  packed: string;
}

const tolerance = (codec: OutputCodec, abs: string, rel: string) => ({
  output: { codec },
  profile: { kind: "tolerance" as const, abs, rel },
});

describe("profile", () => {
  test("words: the vectors unpack and pack again", () => {
    for (const { kind, codec, abs, rel, packed } of readVectors<ProfileVector>("profile")) {
      const rule = unpackProfile(BigInt(packed));
      expect(rule.codec).toBe(OUTPUT_CODECS[codec - 1]);
      if (rule.profile.kind === "exact") expect([kind, abs, rel]).toEqual([1, "0", "0"]);
      else
        expect([2n, parseWad(rule.profile.abs), parseWad(rule.profile.rel)]).toEqual([
          2n,
          BigInt(abs),
          BigInt(rel),
        ]);
      expect(packProfile({ output: { codec: rule.codec }, profile: rule.profile })).toBe(BigInt(packed));
    }
  });

  test("words: two spellings of one tolerance are one word", () => {
    expect(packProfile(tolerance("scalar", "0.10", "0"))).toBe(
      packProfile(tolerance("scalar", "0.1", "0.000")),
    );
  });

  test("words: every tolerance within the limits comes back", () => {
    const digits = fc.bigInt({ min: 0n, max: 10n ** 18n });
    fc.assert(
      fc.property(fc.constantFrom(...OUTPUT_CODECS), digits, digits, (codec, abs, rel) => {
        const decimal = (wad: bigint) =>
          `${wad / 10n ** 18n}.${(wad % 10n ** 18n).toString().padStart(18, "0")}`;
        const packed = packProfile(tolerance(codec, decimal(abs), decimal(rel)));
        const rule = unpackProfile(packed);
        expect(rule.codec).toBe(codec);
        expect(rule.profile).toMatchObject({ kind: "tolerance" });
        expect(packProfile({ output: { codec }, profile: rule.profile })).toBe(packed);
      }),
    );
  });

  test("refused: words that are no profile, by what is wrong", () => {
    expect(() => unpackProfile(0n)).toThrow(OutOfRangeError);
    expect(() => unpackProfile(3n << 248n)).toThrow(/profile kind/);
    expect(() => unpackProfile((1n << 248n) | (7n << 240n))).toThrow(/output codec/);
  });

  test("words for people: what is registered, or that nothing is", () => {
    expect(describeProfile(packProfile(tolerance("scores", "0.0001", "0")))).toBe(
      "scores, tolerance abs 0.0001 rel 0",
    );
    expect(describeProfile(packProfile({ output: { codec: "text" }, profile: { kind: "exact" } }))).toBe(
      "text, exact",
    );
    expect(describeProfile(0n)).toBe("none");
  });
});
