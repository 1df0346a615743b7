import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { FetchHarness } from "./fetchHarness.ts";
import { flipped, tinyModel, writeModel } from "./tinyModel.ts";

const harness = new FetchHarness();
const large = () =>
  tinyModel("large", { "model.onnx": randomBytes(300_000), "data/labels.txt": Buffer.from("a\nb\n") });

test("http: manifest and files are fetched, checked and handed over", async () => {
  const model = large();
  const resolved = await harness.store().resolve(model.id, harness.serve(model));
  expect(resolved.modelId).toBe(model.id);
  for (const [path, bytes] of Object.entries(model.files)) {
    expect(readFileSync(resolved.files[path] as string).equals(bytes), path).toBe(true);
  }
  expect(harness.incoming()).toEqual([]);
});

test("file URI: the model is copied into the cache and outlives its source", async () => {
  const model = large();
  const directory = join(harness.root, "source");
  writeModel(directory, model);
  const uri = pathToFileURL(join(directory, "manifest.json")).href;
  const first = await harness.store().resolve(model.id, uri);
  rmSync(directory, { recursive: true });
  expect(await harness.store().resolve(model.id, uri)).toEqual(first);
});

test("ten at once: share one fetch of each file; a second store on the cache asks for nothing", async () => {
  const model = large();
  const uri = harness.serve(model);
  const models = harness.store();
  await Promise.all(Array.from({ length: 10 }, () => models.resolve(model.id, uri)));
  expect([...harness.server.requested].sort()).toEqual(
    ["data/labels.txt", "manifest.json", "model.onnx"].map((path) => `/${model.id}/${path}`),
  );
  harness.server.requested.length = 0;
  await harness.store().resolve(model.id, uri);
  expect(harness.server.requested).toEqual([]);
});

test("a body that breaks off: is a fetch that failed; nothing half stays, and the next try succeeds", async () => {
  const model = large();
  const uri = harness.serve(model);
  const path = `/${model.id}/model.onnx`;
  const bytes = model.files["model.onnx"] as Buffer;
  harness.server.routes.set(path, (response) => {
    response.writeHead(200, { "content-length": bytes.length });
    response.write(bytes.subarray(0, 100_000), () => response.destroy());
  });
  const models = harness.store();
  await expect(models.resolve(model.id, uri)).rejects.toMatchObject({
    code: "model/fetch-failed",
    retry: "backoff",
  });
  // Without a length the end of a short body looks like any other end.
  harness.server.routes.set(path, (response) => {
    response.write(bytes.subarray(0, 100_000));
    response.end();
  });
  await expect(models.resolve(model.id, uri)).rejects.toMatchObject({
    code: "model/fetch-failed",
    message: expect.stringMatching(/ended after 100000 of 300000 bytes/),
  });
  expect(harness.incoming()).toEqual([]);
  harness.server.routes.set(path, bytes);
  await expect(models.resolve(model.id, uri)).resolves.toMatchObject({ modelId: model.id });
});

test("a body of the wrong size: is refused by its length, or at the first byte too many", async () => {
  const model = large();
  const uri = harness.serve(model);
  const path = `/${model.id}/model.onnx`;
  const bytes = model.files["model.onnx"] as Buffer;
  const models = harness.store();
  harness.server.routes.set(path, Buffer.concat([bytes, Buffer.from("x")]));
  await expect(models.resolve(model.id, uri)).rejects.toMatchObject({
    code: "model/too-large",
    meta: { expected: "300000 bytes", actual: "300001 bytes" },
  });
  harness.server.routes.set(path, bytes.subarray(1));
  await expect(models.resolve(model.id, uri)).rejects.toMatchObject({ code: "model/hash-mismatch" });
  let open = true;
  harness.server.routes.set(path, (response) => {
    response.on("close", () => {
      open = false;
    });
    const pour = () => open && response.write(bytes, () => setImmediate(pour));
    pour();
  });
  await expect(models.resolve(model.id, uri)).rejects.toMatchObject({
    code: "model/too-large",
    message: expect.stringMatching(/goes on after the 300000 bytes/),
  });
  expect(harness.incoming()).toEqual([]);
});

test("one byte changed on the way: is a mismatch that names file, expected and actual", async () => {
  const model = large();
  const uri = harness.serve(model);
  harness.server.routes.set(`/${model.id}/model.onnx`, flipped(model.files["model.onnx"] as Buffer));
  await expect(harness.store().resolve(model.id, uri)).rejects.toMatchObject({
    code: "model/hash-mismatch",
    retry: "backoff",
    message: expect.stringMatching(
      /^model\.onnx from http.* sha256 [0-9a-f]{64} expected, [0-9a-f]{64} found$/,
    ),
  });
  expect(readdirSync(join(harness.cache, "files"))).toEqual([]);
});

test("a cached file or manifest that rotted: is fetched again", async () => {
  const model = large();
  const uri = harness.serve(model);
  const { files } = await harness.store().resolve(model.id, uri);
  const path = files["model.onnx"] as string;
  rmSync(path);
  writeFileSync(path, flipped(model.files["model.onnx"] as Buffer));
  const manifestPath = join(harness.cache, "manifests", `${model.id}.json`);
  rmSync(manifestPath);
  writeFileSync(manifestPath, "{");
  await harness.store().resolve(model.id, uri);
  expect(readFileSync(path).equals(model.files["model.onnx"] as Buffer)).toBe(true);
  expect(readFileSync(manifestPath).equals(model.manifest)).toBe(true);
});

test("a manifest of another model, of no model, too large, or naming files outside: each its own error", async () => {
  const model = tinyModel("asked-for");
  const uri = harness.serve(model);
  const route = `/${model.id}/manifest.json`;
  harness.server.routes.set(route, tinyModel("another").manifest);
  await expect(harness.store().resolve(model.id, uri)).rejects.toMatchObject({
    code: "model/hash-mismatch",
    meta: { expected: model.id, actual: tinyModel("another").id },
  });
  harness.server.routes.set(route, Buffer.from('{"schema": "sibyl/model@1"}'));
  await expect(harness.store().manifest(model.id, uri)).rejects.toMatchObject({
    code: "model/manifest-invalid",
    retry: "never",
  });
  harness.server.routes.set(
    route,
    Buffer.from(model.manifest.toString().replaceAll("model.onnx", "../../model.onnx")),
  );
  await expect(harness.store().resolve(model.id, uri)).rejects.toMatchObject({
    code: "model/manifest-invalid",
    message: expect.stringMatching(/files\[0\]\.path/),
  });
  harness.server.routes.set(route, Buffer.alloc(300_000, " "));
  await expect(harness.store().resolve(model.id, uri)).rejects.toMatchObject({ code: "model/too-large" });
});

test("too large: a model over the operator's limit is not even asked for", async () => {
  const model = large();
  await expect(
    harness.store({ maxModelBytes: 300_000 }).resolve(model.id, harness.serve(model)),
  ).rejects.toMatchObject({
    code: "model/too-large",
    retry: "never",
    meta: { bytes: 300_004, limit: 300_000 },
  });
  expect(harness.server.requested).toEqual([`/${model.id}/manifest.json`]);
});

test("no space: what cannot fit is refused before it is stored", async () => {
  const model = large();
  await expect(
    harness.store({ reserveBytes: 2 ** 60 }).resolve(model.id, harness.serve(model)),
  ).rejects.toMatchObject({
    code: "model/no-space",
    retry: "backoff",
    meta: { file: "model.onnx", reserve: 2 ** 60 },
  });
});

// Only root may mount a small disk; the test before this one runs everywhere.
test.skipIf(process.getuid?.() !== 0)(
  "no space: a disk that fills up meanwhile is the same error, and nothing half stays",
  async (context) => {
    mkdirSync(harness.cache);
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", harness.cache], { stdio: "pipe" });
    } catch {
      return context.skip("this container may not mount a tmpfs");
    }
    try {
      const model = large();
      const uri = harness.serve(model);
      const bytes = model.files["model.onnx"] as Buffer;
      harness.server.routes.set(`/${model.id}/model.onnx`, (response) => {
        response.writeHead(200, { "content-length": bytes.length });
        response.write(bytes.subarray(0, 50_000), () => {
          writeFileSync(join(harness.cache, "filler"), Buffer.alloc(900_000));
          response.end(bytes.subarray(50_000));
        });
      });
      const models = harness.store({ reserveBytes: 0 });
      await expect(models.resolve(model.id, uri)).rejects.toMatchObject({
        code: "model/no-space",
        retry: "backoff",
      });
      expect(harness.incoming()).toEqual([]);
      rmSync(join(harness.cache, "filler"));
      harness.server.routes.set(`/${model.id}/model.onnx`, bytes);
      await expect(models.resolve(model.id, uri)).resolves.toMatchObject({ modelId: model.id });
    } finally {
      execFileSync("umount", [harness.cache]);
    }
  },
);

test("downloads of processes that died: are removed, those of others are left", async () => {
  mkdirSync(join(harness.cache, "incoming"), { recursive: true });
  writeFileSync(join(harness.cache, "incoming", "abandoned"), "half");
  const longAgo = new Date(Date.now() - 3_600_000);
  utimesSync(join(harness.cache, "incoming", "abandoned"), longAgo, longAgo);
  writeFileSync(join(harness.cache, "incoming", "under-way"), "half");
  const model = tinyModel("next");
  await harness.store().resolve(model.id, harness.serve(model));
  expect(harness.incoming()).toEqual(["under-way"]);
});
