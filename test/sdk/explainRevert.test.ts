import {
  explainReason,
  explainRevert,
  inferenceOracleAbi,
  modelRegistryAbi,
  operatorRegistryAbi,
} from "@sibyl/sdk";
import { type Abi, encodeErrorResult, parseAbi, zeroAddress, zeroHash } from "viem";
import { describe, expect, test } from "vitest";

describe("reasons", () => {
  const ERRORS = [...inferenceOracleAbi, ...operatorRegistryAbi, ...modelRegistryAbi].filter(
    (item) => item.type === "error",
  );
  const SAMPLES: Record<string, unknown> = {
    address: zeroAddress,
    bytes: "0xdeadbeef",
    bytes32: zeroHash,
    string: "roundSeconds",
    uint8: 1,
    uint16: 2,
    uint32: 3,
  };

  test.each(ERRORS)("$name: decodes to its name, its values and a sentence", (item) => {
    const args = item.inputs.map(({ type }) => SAMPLES[type] ?? 4n);
    const data = encodeErrorResult({ abi: [item] as Abi, errorName: item.name, args });
    const reason = explainReason(data);
    expect(reason?.name).toBe(item.name);
    expect(Object.values(reason?.args ?? {})).toEqual(args);
    expect(reason?.message).toMatch(/\S/);
    expect(reason?.message).not.toMatch(/undefined|\[object/);
  });

  test("solidity: its own errors, and those of an app's ABI", () => {
    const app = parseAbi(["error PostTooLong(uint256 length)"]);
    const data = encodeErrorResult({ abi: app, args: [281n] });
    expect(explainReason(data)).toBeUndefined();
    expect(explainReason(data, app)?.message).toBe("PostTooLong: length 281.");
    const text = encodeErrorResult({ abi: parseAbi(["error Error(string)"]), args: ["no entry"] });
    expect(explainReason(text)?.message).toBe("no entry");
  });

  test("unknown: no data, cut data and foreign errors explain nothing", () => {
    for (const data of ["0x", "0xdeadbeef", "0xdead"] as const) expect(explainReason(data)).toBeUndefined();
    expect(explainRevert(new Error("no"))).toBeUndefined();
    expect(explainRevert(undefined)).toBeUndefined();
  });
});
