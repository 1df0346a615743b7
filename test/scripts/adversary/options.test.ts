import { describe, expect, test } from "vitest";
import { ATTACKS } from "../../../scripts/adversary/attacks/all.ts";
import { readOptions } from "../../../scripts/adversary/options.ts";
import { UsageError } from "../../../scripts/commandLine/arguments.ts";

const KNOWN = ["liar", "lazy"];

describe("options of the adversary harness", () => {
  test("none: all attacks, twenty requests each, and some seed", () => {
    const options = readOptions([], KNOWN);
    expect(options).toMatchObject({ json: false, requests: 20, attacks: [], mode: "attack" });
    expect(options?.seed).toBeGreaterThanOrEqual(0);
  });

  test("given: taken as they are", () => {
    expect(readOptions(["--attack", "lazy,liar", "--seed", "7", "--requests", "3", "--json"], KNOWN)).toEqual(
      {
        json: true,
        seed: 7,
        requests: 3,
        attacks: ["lazy", "liar"],
        mode: "attack",
      },
    );
    expect(readOptions(["--unequal"], KNOWN)).toMatchObject({ mode: "unequal", requests: 500 });
    expect(readOptions(["--help"], KNOWN)).toBeNull();
  });

  test("senseless: refused with what would have been right", () => {
    const refused: [string[], RegExp][] = [
      [["--attack", "none"], /no attack "none"; there are liar, lazy/],
      [["--requests", "0"], /--requests is a whole number from 1/],
      [["--seed", "x"], /--seed is a whole number/],
      [["--unequal", "--gossip"], /not both/],
      [["--what"], /--what/],
    ];
    for (const [args, message] of refused) {
      expect(() => readOptions(args, KNOWN)).toThrow(UsageError);
      expect(() => readOptions(args, KNOWN)).toThrow(message);
    }
  });

  test("attacks: each has a name of its own, and says what it tries", () => {
    const names = ATTACKS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { tries, policy } of ATTACKS) {
      expect(tries).not.toBe("");
      expect(policy.quorum).toBeLessThanOrEqual(policy.committeeSize);
    }
  });
});
