import { describe, expect, it } from "vitest";
import { createFixture, lastLine } from "./fixture.ts";

/** Rule that must fire, importing file, import statement. */
const BREACHES: readonly [rule: string, path: string, statement: string][] = [
  ["not-to-unresolvable", "sdk/lost.ts", 'import "./nowhere.ts";'],
  ["declared-dependencies-only", "sdk/undeclared.ts", 'import "pino";'],
  ["sdk-knows-nobody", "sdk/upward.ts", 'import "../coprocessor/core/request.ts";'],
  ["sdk-runs-in-browsers", "sdk/disk.ts", 'import "node:fs";'],
  ["core-is-pure", "coprocessor/core/clock.ts", 'import "node:fs";'],
  ["core-is-pure", "coprocessor/core/sideways.ts", 'import type {} from "../store/port.ts";'],
  ["ports-know-only-core", "coprocessor/queue/port.ts", 'import type {} from "../store/port.ts";'],
  ["pipeline-sees-core-and-ports", "coprocessor/pipeline/onBlock.ts", 'import "../store/drizzleStore.ts";'],
  ["pipeline-sees-core-and-ports", "coprocessor/pipeline/onDisk.ts", 'import "node:fs";'],
  ["adapters-do-not-know-each-other", "coprocessor/queue/neighbour.ts", 'import "../store/drizzleStore.ts";'],
  ["adapters-do-not-know-each-other", "coprocessor/peers/upward.ts", 'import "../pipeline/onBlock.ts";'],
  ["rpc-only-below-chain-and-submit", "coprocessor/keys/remote.ts", 'import "../rpc/rpcClient.ts";'],
  ["rpc-knows-core-and-ports", "coprocessor/rpc/upward.ts", 'import "../store/drizzleStore.ts";'],
  ["only-main-chooses-adapters", "coprocessor/cli/start.ts", 'import "../store/drizzleStore.ts";'],
  ["queue-engine-only-in-queue", "coprocessor/store/bull.ts", 'import "bullmq";'],
  ["telemetry-only-in-observe", "coprocessor/store/meter.ts", 'import "prom-client";'],
  ["gossip-only-in-peers", "coprocessor/chain/gossip.ts", 'import "libp2p";'],
  ["model-runtime-only-in-inference", "coprocessor/models/session.ts", 'import "onnxruntime-node";'],
  ["postgres-only-in-store-and-queue", "coprocessor/chain/rows.ts", 'import "pg";'],
  ["public-face-of-the-coprocessor", "scripts/deep.ts", 'import "../coprocessor/core/request.ts";'],
  ["public-face-of-the-sdk", "scripts/path.ts", 'import "../sdk/address.ts";'],
  ["nobody-imports-examples-or-tests", "scripts/fromTest.ts", 'import "../test/sample.ts";'],
  ["examples-do-not-know-each-other", "examples/a/app.ts", 'import "../b/app.ts";'],
];

/** Code that keeps every rule, some of it close to the edge. */
const SOUND = {
  "sdk/package.json": '{ "name": "@sibyl/sdk", "peerDependencies": { "viem": "*" } }',
  "sdk/address.ts": 'import "viem"; export const a = 1;',
  "sdk/address.test.ts": 'import "node:fs"; import "./address.ts";',
  "coprocessor/package.json":
    '{ "name": "@sibyl/coprocessor", "dependencies": { "pg": "*", "viem": "*", "bullmq": "*", "libp2p": "*", "onnxruntime-node": "*" } }',
  "coprocessor/core/request.ts": 'import type {} from "viem"; export const r = 1;',
  "coprocessor/store/port.ts": 'import type {} from "../core/request.ts"; export {};',
  "coprocessor/store/drizzleStore.ts":
    'import "pg"; import "node:fs"; import type {} from "./port.ts"; export const s = 1;',
  "coprocessor/rpc/rpcClient.ts": 'import "../core/request.ts"; export const c = 1;',
  "coprocessor/submit/viemSender.ts": 'import "../rpc/rpcClient.ts";',
  "coprocessor/pipeline/onReceipt.ts": 'import type {} from "../store/port.ts"; import "../core/request.ts";',
  "coprocessor/workbench.ts": 'import "./store/drizzleStore.ts";',
  "coprocessor/main.ts": 'import "./store/drizzleStore.ts"; import "./pipeline/onReceipt.ts";',
  "examples/b/app.ts": 'import "viem";',
  "coprocessor/chain/rounds.ts": 'import type {} from "./trips.ts"; export {};',
  "coprocessor/chain/trips.ts": 'import "./rounds.ts"; export {};',
  "test/sample.ts": 'import "../coprocessor/store/drizzleStore.ts";',
};

describe("check imports", () => {
  it("a tree that keeps the rules: exit 0", { timeout: 60_000 }, async () => {
    using fixture = createFixture(SOUND);
    const { code, stdout } = await fixture.run(["check", "imports"]);
    expect(stdout).not.toContain("error");
    expect(code).toBe(0);
  });

  it("every rule: its breach is named and the check exits 1", { timeout: 60_000 }, async () => {
    const breaches = Object.fromEntries(
      BREACHES.map(([, path, statement]) => [path, `${statement}\nexport {};\n`]),
    );
    const cycle = { "sdk/left.ts": 'import "./right.ts";', "sdk/right.ts": 'import "./left.ts";' };
    using fixture = createFixture({ ...SOUND, ...breaches, ...cycle });
    const { code, stdout } = await fixture.run(["check", "imports"]);
    expect(code).toBe(1);
    expect(lastLine(stdout)).toBe("1 of 1 checks failed.");
    const missing = BREACHES.filter(([rule, path]) => !stdout.includes(`${rule}: ${path}`));
    expect(missing, stdout).toEqual([]);
    expect(stdout).toContain("no-circular: sdk/");
  });
});

describe("check solidity-imports", () => {
  const sound = {
    "contracts/package.json": '{ "name": "@sibyl/contracts", "dependencies": { "solady": "1.0.0" } }',
    "contracts/A.sol": 'import {B} from "./types/B.sol";\nimport {C} from "solady/src/C.sol";\n',
    "contracts/types/B.sol": 'import "../A.sol"; // import "../../test/D.sol";\n',
    "examples/board/package.json": '{ "name": "board", "dependencies": { "@sibyl/contracts": "1.0.0" } }',
    "examples/board/contracts/Board.sol": 'import {\n    A\n} from "@sibyl/contracts/A.sol";\n',
    "examples/board/test/Board.t.sol": 'import {Test} from "forge-std/Test.sol";\n',
  };

  it("a tree that keeps the rules: exit 0", async () => {
    using fixture = createFixture(sound);
    const { code, stdout } = await fixture.run(["check", "solidity-imports"]);
    expect(code, stdout).toBe(0);
  });

  it.each([
    ["leaves its package", "contracts/A.sol", 'import {D} from "../test/D.sol";'],
    ["undeclared package", "contracts/A.sol", 'import "@openzeppelin/contracts/X.sol";'],
    ["test library in a contract", "contracts/A.sol", 'import {\n  Test\n} from "forge-std/Test.sol";'],
    ["path instead of package", "examples/board/contracts/Board.sol", 'import "../../../contracts/A.sol";'],
  ])("%s: exit 1, file and import named", async (_, path, statement) => {
    using fixture = createFixture({ ...sound, [path]: statement });
    const { code, stdout } = await fixture.run(["check", "solidity-imports"]);
    expect(stdout).toContain(`${path}: `);
    expect(code).toBe(1);
  });
});
