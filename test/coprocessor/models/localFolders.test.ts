import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { modelId } from "@sibyl/sdk";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createFileModels } from "../../../coprocessor/models/fileModels.ts";
import { collectedLog } from "../collectedLog.ts";
import { flipped, tinyModel, writeModel } from "./tinyModel.ts";

const SPAM_TEXT = resolve(import.meta.dirname, "../../../models/spam-text");

let root: string;
let folder: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "sibyl-test-"));
  folder = join(root, "models");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function store() {
  const log = collectedLog();
  return { log, models: createFileModels({ folders: [folder], cacheDirectory: join(root, "cache"), log }) };
}

/** The committed model, copied so that a test may spoil it. */
function copyOfSpamText() {
  cpSync(SPAM_TEXT, join(folder, "spam-text"), { recursive: true });
  return modelId(JSON.parse(readFileSync(join(SPAM_TEXT, "manifest.json"), "utf8")));
}

test("a local model: is found by the id that its manifest hashes to", async () => {
  const id = copyOfSpamText();
  const { models } = store();
  const model = await models.resolve(id, "");
  expect(model.modelId).toBe(id);
  expect(model.manifest.name).toBe("spam-text");
  expect(isAbsolute(model.files["model.onnx"] as string)).toBe(true);
  expect(await models.manifest(id, "")).toEqual(model.manifest);
});

test.each([0, 1, 160_000, 321_621])(
  "one byte changed at %i: is a mismatch that names file, expected and actual",
  async (at) => {
    const id = copyOfSpamText();
    const path = join(folder, "spam-text", "model.onnx");
    writeFileSync(path, flipped(readFileSync(path), at));
    const { models } = store();
    const error = await models.resolve(id, "").catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      name: "CoprocessorError",
      code: "model/hash-mismatch",
      retry: "never",
      meta: { file: "model.onnx", path },
    });
    const { sha256 } = (await models.manifest(id, "")).files[0] as { sha256: string };
    expect((error as Error).message).toContain(`sha256 ${sha256} expected`);
    expect((error as Error).message).toMatch(/sha256 [0-9a-f]{64} found/);
  },
);

test("a byte changed after the first resolve: is noticed at the next", async () => {
  const id = copyOfSpamText();
  const path = join(folder, "spam-text", "model.onnx");
  const good = readFileSync(path);
  const { models } = store();
  await models.resolve(id, "");
  writeFileSync(path, flipped(good));
  await expect(models.resolve(id, "")).rejects.toMatchObject({ code: "model/hash-mismatch" });
  writeFileSync(path, good);
  await expect(models.resolve(id, "")).resolves.toMatchObject({ modelId: id });
});

test("a file of another length, no file, a pipe: each a named error, at once", async () => {
  const id = copyOfSpamText();
  const path = join(folder, "spam-text", "model.onnx");
  const { models } = store();
  writeFileSync(path, "short");
  await expect(models.resolve(id, "")).rejects.toMatchObject({
    code: "model/hash-mismatch",
    meta: { actual: "5 bytes", expected: "321622 bytes" },
  });
  rmSync(path);
  await expect(models.resolve(id, "")).rejects.toMatchObject({
    code: "model/not-found",
    meta: { file: "model.onnx" },
  });
  execFileSync("mkfifo", [path]);
  await expect(models.resolve(id, "")).rejects.toMatchObject({ code: "model/hash-mismatch" });
});

test("a changed manifest: is another model, so the id is unknown", async () => {
  const model = tinyModel("oracle");
  writeModel(join(folder, "oracle"), {
    ...model,
    manifest: Buffer.from(model.manifest.toString().replace('"MIT"', '"MIX"')),
  });
  await expect(store().models.resolve(model.id, "")).rejects.toMatchObject({
    code: "model/not-found",
    retry: "never",
    message: expect.stringContaining(model.id),
  });
});

test("manifests that are wrong: are logged once and do not hide the others", async () => {
  const good = tinyModel("good");
  writeModel(join(folder, "a-no-json"), { manifest: Buffer.from("{"), files: {} });
  writeModel(join(folder, "b-too-large"), { manifest: Buffer.alloc(300_000, " "), files: {} });
  const climbing = good.manifest.toString().replaceAll('"model.onnx"', '"../model.onnx"');
  writeModel(join(folder, "c-climbing"), { manifest: Buffer.from(climbing), files: {} });
  writeModel(join(folder, "d-good"), good);
  writeFileSync(join(folder, "a-file"), "no folder");
  const { models, log } = store();
  await expect(models.resolve(good.id, "")).resolves.toMatchObject({ modelId: good.id });
  await expect(models.resolve(tinyModel("unknown").id, "")).rejects.toMatchObject({
    code: "model/not-found",
  });
  expect(log.lines.filter(({ level }) => level === "warn").map(({ fields }) => fields.directory)).toEqual(
    ["a-no-json", "b-too-large", "c-climbing"].map((name) => join(folder, name)),
  );
});

test("a folder that is added later: is found without a restart", async () => {
  const { models } = store();
  const model = tinyModel("late");
  await expect(models.resolve(model.id, "")).rejects.toMatchObject({ code: "model/not-found" });
  writeModel(join(folder, "late"), model);
  await expect(models.resolve(model.id, "")).resolves.toMatchObject({ modelId: model.id });
});
