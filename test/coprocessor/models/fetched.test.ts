import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createFileModels, type FileModelsOptions } from "../../../coprocessor/models/fileModels.ts";
import { collectedLog } from "../collectedLog.ts";
import { LoopbackServer } from "./loopbackServer.ts";
import { flipped, type TinyModel, tinyModel, writeModel } from "./tinyModel.ts";

let root: string;
let cache: string;
let server: LoopbackServer;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "sibyl-test-"));
  cache = join(root, "cache");
  server = new LoopbackServer();
  await server.listen();
});
afterEach(async () => {
  await server.close();
  rmSync(root, { recursive: true, force: true });
});

function store(options: Partial<FileModelsOptions> = {}) {
  return createFileModels({
    folders: [],
    cacheDirectory: cache,
    log: collectedLog(),
    allowPrivateHosts: true,
    stallMs: 2_000,
    ...options,
  });
}

/** Puts a model on the server and returns its manifest's URI. */
function serve(model: TinyModel): string {
  server.routes.set(`/${model.id}/manifest.json`, model.manifest);
  for (const [path, bytes] of Object.entries(model.files)) server.routes.set(`/${model.id}/${path}`, bytes);
  return server.url(`/${model.id}/manifest.json`);
}

const incoming = () => readdirSync(join(cache, "incoming"));
const large = () =>
  tinyModel("large", { "model.onnx": randomBytes(300_000), "data/labels.txt": Buffer.from("a\nb\n") });

test("http: manifest and files are fetched, checked and handed over", async () => {
  const model = large();
  const resolved = await store().resolve(model.id, serve(model));
  expect(resolved.modelId).toBe(model.id);
  for (const [path, bytes] of Object.entries(model.files)) {
    expect(readFileSync(resolved.files[path] as string).equals(bytes), path).toBe(true);
  }
  expect(incoming()).toEqual([]);
});

test("file URI: the model is copied into the cache and outlives its source", async () => {
  const model = large();
  const directory = join(root, "source");
  writeModel(directory, model);
  const uri = pathToFileURL(join(directory, "manifest.json")).href;
  const first = await store().resolve(model.id, uri);
  rmSync(directory, { recursive: true });
  expect(await store().resolve(model.id, uri)).toEqual(first);
});

test("ten at once: share one fetch of each file; a second store on the cache asks for nothing", async () => {
  const model = large();
  const uri = serve(model);
  const models = store();
  await Promise.all(Array.from({ length: 10 }, () => models.resolve(model.id, uri)));
  expect([...server.requested].sort()).toEqual(
    ["data/labels.txt", "manifest.json", "model.onnx"].map((path) => `/${model.id}/${path}`),
  );
  server.requested.length = 0;
  await store().resolve(model.id, uri);
  expect(server.requested).toEqual([]);
});

test("a body that breaks off: is a fetch that failed; nothing half stays, and the next try succeeds", async () => {
  const model = large();
  const uri = serve(model);
  const path = `/${model.id}/model.onnx`;
  const bytes = model.files["model.onnx"] as Buffer;
  server.routes.set(path, (response) => {
    response.writeHead(200, { "content-length": bytes.length });
    response.write(bytes.subarray(0, 100_000), () => response.destroy());
  });
  const models = store();
  await expect(models.resolve(model.id, uri)).rejects.toMatchObject({
    code: "model/fetch-failed",
    retry: "backoff",
  });
  // Without a length the end of a short body looks like any other end.
  server.routes.set(path, (response) => {
    response.write(bytes.subarray(0, 100_000));
    response.end();
  });
  await expect(models.resolve(model.id, uri)).rejects.toMatchObject({
    code: "model/fetch-failed",
    message: expect.stringMatching(/ended after 100000 of 300000 bytes/),
  });
  expect(incoming()).toEqual([]);
  server.routes.set(path, bytes);
  await expect(models.resolve(model.id, uri)).resolves.toMatchObject({ modelId: model.id });
});

test("a body of the wrong size: is refused by its length, or at the first byte too many", async () => {
  const model = large();
  const uri = serve(model);
  const path = `/${model.id}/model.onnx`;
  const bytes = model.files["model.onnx"] as Buffer;
  const models = store();
  server.routes.set(path, Buffer.concat([bytes, Buffer.from("x")]));
  await expect(models.resolve(model.id, uri)).rejects.toMatchObject({
    code: "model/too-large",
    meta: { expected: "300000 bytes", actual: "300001 bytes" },
  });
  server.routes.set(path, bytes.subarray(1));
  await expect(models.resolve(model.id, uri)).rejects.toMatchObject({ code: "model/hash-mismatch" });
  let open = true;
  server.routes.set(path, (response) => {
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
  expect(incoming()).toEqual([]);
});

test("one byte changed on the way: is a mismatch that names file, expected and actual", async () => {
  const model = large();
  const uri = serve(model);
  server.routes.set(`/${model.id}/model.onnx`, flipped(model.files["model.onnx"] as Buffer));
  await expect(store().resolve(model.id, uri)).rejects.toMatchObject({
    code: "model/hash-mismatch",
    retry: "backoff",
    message: expect.stringMatching(
      /^model\.onnx from http.* sha256 [0-9a-f]{64} expected, [0-9a-f]{64} found$/,
    ),
  });
  expect(readdirSync(join(cache, "files"))).toEqual([]);
});

test("a cached file or manifest that rotted: is fetched again", async () => {
  const model = large();
  const uri = serve(model);
  const { files } = await store().resolve(model.id, uri);
  const path = files["model.onnx"] as string;
  rmSync(path);
  writeFileSync(path, flipped(model.files["model.onnx"] as Buffer));
  const manifestPath = join(cache, "manifests", `${model.id}.json`);
  rmSync(manifestPath);
  writeFileSync(manifestPath, "{");
  await store().resolve(model.id, uri);
  expect(readFileSync(path).equals(model.files["model.onnx"] as Buffer)).toBe(true);
  expect(readFileSync(manifestPath).equals(model.manifest)).toBe(true);
});

test("a manifest of another model, of no model, too large, or naming files outside: each its own error", async () => {
  const model = tinyModel("asked-for");
  const uri = serve(model);
  const route = `/${model.id}/manifest.json`;
  server.routes.set(route, tinyModel("another").manifest);
  await expect(store().resolve(model.id, uri)).rejects.toMatchObject({
    code: "model/hash-mismatch",
    meta: { expected: model.id, actual: tinyModel("another").id },
  });
  server.routes.set(route, Buffer.from('{"schema": "sibyl/model@1"}'));
  await expect(store().manifest(model.id, uri)).rejects.toMatchObject({
    code: "model/manifest-invalid",
    retry: "never",
  });
  server.routes.set(
    route,
    Buffer.from(model.manifest.toString().replaceAll("model.onnx", "../../model.onnx")),
  );
  await expect(store().resolve(model.id, uri)).rejects.toMatchObject({
    code: "model/manifest-invalid",
    message: expect.stringMatching(/files\[0\]\.path/),
  });
  server.routes.set(route, Buffer.alloc(300_000, " "));
  await expect(store().resolve(model.id, uri)).rejects.toMatchObject({ code: "model/too-large" });
});

test.each<[string, (uri: string) => string, object]>([
  ["nothing there", (uri) => `${uri}x`, { code: "model/not-found", retry: "backoff" }],
  ["no URI", () => "", { code: "model/not-found", retry: "never" }],
  ["no URI at all", () => "not a uri", { code: "model/not-found", retry: "never" }],
  ["an unknown protocol", () => "ipfs://bafy/manifest.json", { code: "model/fetch-failed", retry: "never" }],
  ["a folder", () => pathToFileURL(tmpdir()).href, { code: "model/fetch-failed" }],
  ["a device without end", () => "file:///dev/zero", { code: "model/fetch-failed" }],
  [
    "a port where nobody listens",
    () => "http://127.0.0.1:1/manifest.json",
    { code: "model/fetch-failed", retry: "backoff" },
  ],
])("unreachable: %s", async (_, change, error) => {
  const model = tinyModel("far");
  await expect(store().resolve(model.id, change(serve(model)))).rejects.toMatchObject(error);
});

test("a server that errs or falls silent: is given up", async () => {
  const model = tinyModel("silent");
  const uri = serve(model);
  const models = store({ stallMs: 300 });
  server.routes.set(`/${model.id}/model.onnx`, (response) => void response.writeHead(503).end());
  await expect(models.resolve(model.id, uri)).rejects.toMatchObject({
    code: "model/fetch-failed",
    message: expect.stringMatching(/HTTP 503/),
  });
  server.routes.set(`/${model.id}/model.onnx`, () => undefined);
  await expect(models.resolve(model.id, uri)).rejects.toMatchObject({
    code: "model/fetch-failed",
    message: expect.stringMatching(/no byte for 300 ms/),
  });
  server.routes.set(`/${model.id}/model.onnx`, (response) => void response.writeHead(200).write("gra"));
  await expect(models.resolve(model.id, uri)).rejects.toMatchObject({ code: "model/fetch-failed" });
  expect(incoming()).toEqual([]);
});

test("a server that drips: is given up at the deadline", async () => {
  const model = tinyModel("dripping");
  const uri = serve(model);
  server.routes.set(`/${model.id}/model.onnx`, (response) => {
    const drip = setInterval(() => response.write("g"), 50);
    response.on("close", () => clearInterval(drip));
  });
  await expect(store({ deadlineMs: 400 }).resolve(model.id, uri)).rejects.toMatchObject({
    code: "model/fetch-failed",
  });
});

test("redirects: are followed a few times, and only over the web", async () => {
  const model = tinyModel("moved");
  const uri = serve(model);
  const to = (location: string) => (response: import("node:http").ServerResponse) => {
    response.writeHead(302, { location }).end();
  };
  server.routes.set("/moved/manifest.json", to(`/${model.id}/manifest.json`));
  server.routes.set("/moved/model.onnx", to(uri.replace("manifest.json", "model.onnx")));
  await expect(store().resolve(model.id, server.url("/moved/manifest.json"))).resolves.toMatchObject({
    modelId: model.id,
  });
  server.routes.set("/loop", to("/loop"));
  await expect(store().resolve(tinyModel("x").id, server.url("/loop"))).rejects.toMatchObject({
    message: expect.stringMatching(/more than 5 redirects/),
  });
  server.routes.set("/out", to("file:///etc/hostname"));
  await expect(store().resolve(tinyModel("x").id, server.url("/out"))).rejects.toMatchObject({
    message: expect.stringMatching(/redirect from http: to file:/),
  });
});

test("private addresses: are refused unless allowed, by number, by name and in any notation", async () => {
  const model = tinyModel("inside");
  serve(model);
  const models = store({ allowPrivateHosts: false });
  for (const host of [
    "127.0.0.1",
    "localhost",
    "0x7f.1",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "10.0.0.1",
    "169.254.169.254",
    "[fd00::1]",
  ]) {
    await expect(
      models.resolve(model.id, `http://${host}:${server.port}/${model.id}/manifest.json`),
      host,
    ).rejects.toMatchObject({
      code: "model/fetch-failed",
      retry: "never",
      message: expect.stringMatching(/no public address/),
    });
  }
  expect(server.requested).toEqual([]);
});

test("too large: a model over the operator's limit is not even asked for", async () => {
  const model = large();
  await expect(store({ maxModelBytes: 300_000 }).resolve(model.id, serve(model))).rejects.toMatchObject({
    code: "model/too-large",
    retry: "never",
    meta: { bytes: 300_004, limit: 300_000 },
  });
  expect(server.requested).toEqual([`/${model.id}/manifest.json`]);
});

test("no space: what cannot fit is refused before it is stored", async () => {
  const model = large();
  await expect(store({ reserveBytes: 2 ** 60 }).resolve(model.id, serve(model))).rejects.toMatchObject({
    code: "model/no-space",
    retry: "backoff",
    meta: { file: "model.onnx", reserve: 2 ** 60 },
  });
});

// Only root may mount a small disk; the test before this one runs everywhere.
test.skipIf(process.getuid?.() !== 0)(
  "no space: a disk that fills up meanwhile is the same error, and nothing half stays",
  async (context) => {
    mkdirSync(cache);
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", cache], { stdio: "pipe" });
    } catch {
      return context.skip("this container may not mount a tmpfs");
    }
    try {
      const model = large();
      const uri = serve(model);
      const bytes = model.files["model.onnx"] as Buffer;
      server.routes.set(`/${model.id}/model.onnx`, (response) => {
        response.writeHead(200, { "content-length": bytes.length });
        response.write(bytes.subarray(0, 50_000), () => {
          writeFileSync(join(cache, "filler"), Buffer.alloc(900_000));
          response.end(bytes.subarray(50_000));
        });
      });
      const models = store({ reserveBytes: 0 });
      await expect(models.resolve(model.id, uri)).rejects.toMatchObject({
        code: "model/no-space",
        retry: "backoff",
      });
      expect(incoming()).toEqual([]);
      rmSync(join(cache, "filler"));
      server.routes.set(`/${model.id}/model.onnx`, bytes);
      await expect(models.resolve(model.id, uri)).resolves.toMatchObject({ modelId: model.id });
    } finally {
      execFileSync("umount", [cache]);
    }
  },
);

test("downloads of processes that died: are removed, those of others are left", async () => {
  mkdirSync(join(cache, "incoming"), { recursive: true });
  writeFileSync(join(cache, "incoming", "abandoned"), "half");
  const longAgo = new Date(Date.now() - 3_600_000);
  utimesSync(join(cache, "incoming", "abandoned"), longAgo, longAgo);
  writeFileSync(join(cache, "incoming", "under-way"), "half");
  const model = tinyModel("next");
  await store().resolve(model.id, serve(model));
  expect(incoming()).toEqual(["under-way"]);
});
