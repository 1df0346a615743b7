import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { manifestJsonSchema } from "@sibyl/sdk";
import { expect, test } from "vitest";
import { z } from "zod";

const MODELS = resolve(import.meta.dirname, "../../models");
/** The published schema, read back by a reader that knows nothing of ours. */
const published = z.fromJSONSchema(manifestJsonSchema() as Parameters<typeof z.fromJSONSchema>[0]);
const manifestOf = (name: string) => JSON.parse(readFileSync(join(MODELS, name, "manifest.json"), "utf8"));

test("accepted: every committed manifest, unknown sections included", () => {
  const names = readdirSync(MODELS);
  expect(names.length).toBeGreaterThanOrEqual(4);
  for (const name of names) {
    expect(
      published.safeParse({ ...manifestOf(name), later: { section: true } }).error,
      name,
    ).toBeUndefined();
  }
});

test.each<[string, object]>([
  ["another schema", { schema: "sibyl/model@9" }],
  ["no files", { files: [] }],
  ["a hash with 0x", { files: [{ path: "m.onnx", sha256: `0x${"0".repeat(62)}`, bytes: 1 }] }],
  ["an unknown codec", { input: { codec: "telepathy", maxBytes: 1 } }],
  ["an unknown runner", { runner: "abacus" }],
  ["a batch of none", { batch: { max: 0 } }],
  ["a profile with more than it has", { profile: { kind: "exact", abs: "1" } }],
])("refused: %s", (_, patch) => {
  expect(published.safeParse({ ...manifestOf("iris"), ...patch }).success).toBe(false);
});
