import { expect, it } from "vitest";
import { installDifference } from "../../../scripts/tasks/installState.mjs";

const installed = {
  "node_modules/a": { version: "1.0.0", integrity: "sha512-a" },
  "node_modules/sdk": { link: true },
  sdk: { version: "0.1.0" },
};
const locked = {
  "": {},
  ...installed,
  "node_modules/native-other-platform": { version: "1.0.0", optional: true },
};

it("same: also without optional packages of other platforms", () => {
  expect(installDifference(locked, installed)).toBeNull();
});

it.each([
  ["nothing", null, "nothing is installed"],
  ["missing", { sdk: installed.sdk }, "node_modules/a is missing"],
  [
    "other version",
    { ...installed, "node_modules/a": { version: "0.9.0" } },
    "node_modules/a is 0.9.0, not 1.0.0",
  ],
  [
    "other contents",
    { ...installed, "node_modules/a": { version: "1.0.0", integrity: "sha512-b" } },
    "node_modules/a has other contents",
  ],
  [
    "left over",
    { ...installed, "node_modules/b": { version: "1.0.0" } },
    "node_modules/b is no longer wanted",
  ],
])("different, %s: says so", (_, found, reason) => {
  expect(installDifference(locked, found)).toBe(reason);
});
