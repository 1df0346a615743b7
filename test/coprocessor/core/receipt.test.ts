import { encodeOutput, parseManifest, parseWad } from "@sibyl/sdk";
import { describe, expect, it } from "vitest";
import { judgeReceipt, parseReceipt } from "../../../coprocessor/core/receipt.ts";
import { hash, RUNTIME, receipt } from "../store/fixtures.ts";

const manifest = (profile: object) =>
  parseManifest({
    schema: "sibyl/model@1",
    name: "scalar",
    version: "1",
    description: "For tests.",
    license: "MIT",
    files: [{ path: "m.onnx", sha256: hash("m").slice(2), bytes: 1 }],
    entry: "m.onnx",
    input: { codec: "vector", maxBytes: 99 },
    output: { codec: "scalar" },
    task: { type: "vector" },
    profile,
  });
const EXACT = manifest({ kind: "exact" });
const NEAR = manifest({ kind: "tolerance", abs: "0.01", rel: "0" });
const scalar = (text: string) => encodeOutput("scalar", parseWad(text));

describe("parseReceipt", () => {
  it("accepted: a receipt comes back as it went out", () => {
    expect(parseReceipt(JSON.parse(JSON.stringify(receipt("a"))))).toEqual(receipt("a"));
  });

  it.each<[string, object, RegExp]>([
    ["another input than its hash says", { input: "0x0011fe" }, /inputHash is 0x.*the input hashes to 0x/],
    ["another output than its hash says", { output: "0x02" }, /outputHash is/],
    ["another schema", { schema: "sibyl/receipt@2" }, /schema/],
    ["half a byte", { input: "0x001" }, /whole bytes/],
    ["an unknown provider", { runtime: { ...RUNTIME, used: ["abacus"] } }, /used/],
    ["a field too many", { note: "hello" }, /note/],
    ["no request", { requestId: undefined }, /requestId/],
  ])("refused: %s", (_, patch, message) => {
    expect(() => parseReceipt({ ...receipt("a"), ...patch })).toThrow(
      expect.objectContaining({ code: "receipt/invalid", message: expect.stringMatching(message) }),
    );
  });

  it("refused: what is no object at all", () => {
    for (const value of [null, 5, "receipt", []]) expect(() => parseReceipt(value)).toThrow("no receipt");
  });
});

describe("judgeReceipt", () => {
  const of = (output: `0x${string}`) => receipt("a", { output });
  const second = (text: string) => ({ output: scalar(text), runtime: { ...RUNTIME, cpu: "asimd" } });

  it("same: equal bytes, under either profile", () => {
    for (const profile of [EXACT, NEAR]) {
      expect(judgeReceipt(of(scalar("1")), profile, second("1"))).toEqual({ verdict: "same" });
    }
  });

  it("agrees: within the tolerance, which an exact model has not", () => {
    expect(judgeReceipt(of(scalar("1")), NEAR, second("1.01"))).toEqual({ verdict: "agrees" });
    expect(judgeReceipt(of(scalar("1")), EXACT, second("1.01"))).toMatchObject({ verdict: "disagrees" });
  });

  it("disagrees: says where, by how much, and on which two runtimes", () => {
    expect(judgeReceipt(of(scalar("1")), NEAR, second("1.02"))).toEqual({
      verdict: "disagrees",
      reason: expect.stringContaining("differs by 0.02"),
      runtimes: { receipt: RUNTIME, here: { ...RUNTIME, cpu: "asimd" } },
    });
  });
});
