import { describe, expect, it } from "vitest";
import { createFixture } from "./fixture.ts";

const SLOW_MS = 60_000;

/** Per check: sources that pass, and the one file that makes it fail. */
const CASES: readonly [
  check: string,
  sound: Record<string, string>,
  broken: Record<string, string>,
  says: string,
][] = [
  [
    "lint",
    { "sdk/sample.ts": "export const sample = 1;\n" },
    { "sdk/sample.ts": "async function later(): Promise<void> {}\nlater();\n" },
    "noFloatingPromises",
  ],
  [
    "solidity-format",
    {
      "contracts/Sample.sol":
        "// SPDX-License-Identifier: MIT\npragma solidity ^0.8.28;\n\ncontract Sample {}\n",
    },
    {
      "contracts/Sample.sol":
        "// SPDX-License-Identifier: MIT\npragma solidity ^0.8.28;\ncontract  Sample { }\n",
    },
    "contracts/Sample.sol",
  ],
  [
    "solidity-lint",
    { "contracts/Sample.sol": "pragma solidity ^0.8.28;\n/// @notice One.\ncontract Sample {}\n" },
    { "contracts/Sample.sol": "pragma solidity ^0.8.28;\n/// @notice One.\ncontract sample {}\n" },
    "contract-name-capwords",
  ],
  [
    "types",
    { "sdk/sample.ts": "export const sample: number = 1;\n" },
    { "sdk/sample.ts": 'export const sample: number = "one";\n' },
    "TS2322",
  ],
];

describe("task check", () => {
  it.each(CASES)(
    "%s: exit 0 when all is well, 1 and the reason when not",
    { timeout: SLOW_MS },
    async (...given) => {
      const [check, sound, broken, says] = given;
      const needsForge = check === "solidity-format";
      using fixture = createFixture(sound, {
        without: needsForge ? [] : ["scripts/foundry", "scripts/solc"],
      });
      const before = await fixture.run(["check", check]);
      expect(before.code, before.stdout).toBe(0);
      fixture.write(broken);
      const after = await fixture.run(["check", check]);
      expect(after.stdout).toContain(says);
      expect(after.code).toBe(1);
    },
  );
});
