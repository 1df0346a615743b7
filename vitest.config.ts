import { defineConfig } from "vitest/config";

// Suites are projects, so that each runs alone (`npm test -- unit`) and with limits of its own.
const CONFORMANCE = ["test/**/*.conformance.test.ts", "test/**/conformance/**/*.test.ts"];
const END_TO_END = ["test/e2e/**/*.test.ts", "examples/*/test/**/*.e2e.test.ts"];
/** Networks under attack, in storms and killed at every stage: minutes each, so they run by name only. */
const STORM = [
  "test/e2e/adversary.test.ts",
  "test/e2e/chaos.test.ts",
  "test/e2e/crash.test.ts",
  "test/e2e/fleetStorm.test.ts",
  "test/e2e/standby.test.ts",
  "test/e2e/wipe.test.ts",
];
/** What every file of a suite with property tests starts with. */
const PROPERTY_SETUP = ["test/propertySeed.ts"];
const NEVER = ["**/node_modules/**", "**/.cache/**"];

export default defineConfig({
  test: {
    // ONNX Runtime and PGlite hold native or wasm state for the life of a process: a process per test file.
    pool: "forks",
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: "unit",
          include: [
            "test/coprocessor/**/*.test.ts",
            "test/sdk/**/*.test.ts",
            "test/scripts/**/*.test.ts",
            "examples/*/test/**/*.test.ts",
            "sdk/**/*.test.ts",
          ],
          exclude: [...NEVER, ...CONFORMANCE, ...END_TO_END],
          setupFiles: PROPERTY_SETUP,
          testTimeout: 20_000,
          hookTimeout: 30_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: "conformance",
          include: CONFORMANCE,
          exclude: NEVER,
          setupFiles: PROPERTY_SETUP,
          testTimeout: 60_000,
          // The first hook may have to install a service.
          hookTimeout: 180_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: "e2e",
          include: END_TO_END,
          exclude: [...NEVER, ...STORM],
          testTimeout: 240_000,
          hookTimeout: 240_000,
          // Two networks at a time: each waits for blocks, deadlines and pages for half of its time.
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: "storm",
          include: STORM,
          exclude: NEVER,
          testTimeout: 240_000,
          hookTimeout: 240_000,
          fileParallelism: false,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
