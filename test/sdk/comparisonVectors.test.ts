import { readFileSync } from "node:fs";
import { agree, unpackProfile } from "@sibyl/sdk";
import type { Hex } from "viem";
import { expect, test } from "vitest";

interface Columns {
  why: string[];
  profile: string[];
  a: Hex[];
  b: Hex[];
  agrees: boolean[];
}

const columns: Columns = JSON.parse(
  readFileSync(new URL("../vectors/comparison.json", import.meta.url), "utf8"),
);

test.each(columns.why.map((why, index) => ({ why, index })))("agreement: $why", ({ index }) => {
  const { codec, profile } = unpackProfile(BigInt(columns.profile[index] as string));
  const [a, b] = [columns.a[index] as Hex, columns.b[index] as Hex];
  expect(agree(codec, profile, a, b).agrees).toBe(columns.agrees[index]);
  expect(agree(codec, profile, b, a).agrees).toBe(columns.agrees[index]);
});
