import { createHash, randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { candidateUris } from "../../../coprocessor/models/candidateUris.ts";
import { FetchHarness } from "./fetchHarness.ts";
import { flipped, type TinyModel, tinyModel } from "./tinyModel.ts";

const harness = new FetchHarness();
const NOWHERE = { mirrors: [], ipfsGateways: [], hub: "https://hub.example" };
const large = (name = "large", bytes = 300_000) =>
  tinyModel(name, { "model.onnx": randomBytes(bytes), "data/labels.txt": Buffer.from(`labels of ${name}`) });
const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
const graphOf = (model: TinyModel) => model.files["model.onnx"] as Buffer;

/** Serves a model as a mirror does: everything by its name. */
function mirror(model: TinyModel): string {
  harness.server.routes.set(`/mirror/${model.id}.json`, model.manifest);
  for (const bytes of Object.values(model.files)) {
    harness.server.routes.set(`/mirror/${sha256(bytes)}`, bytes);
  }
  return harness.server.url("/mirror");
}

test("mirror: gives what the publisher's place no longer has, and without a URI everything", async () => {
  const model = large();
  const places = { ...NOWHERE, mirrors: [mirror(model)] };
  const gone = harness.server.url("/gone/manifest.json");
  for (const uri of [gone, ""]) {
    const { files } = await harness
      .store({ places, cacheDirectory: join(harness.root, `c${uri.length}`) })
      .resolve(model.id, uri);
    expect(readFileSync(files["model.onnx"] as string).equals(graphOf(model))).toBe(true);
  }
});

test("mirror: may lie in the operator's own network, which a publisher's place may not", async () => {
  const model = large();
  const uri = harness.serve(model);
  const guarded = { allowPrivateHosts: false };
  await expect(harness.store(guarded).resolve(model.id, uri)).rejects.toMatchObject({
    code: "model/fetch-failed",
  });
  const places = { ...NOWHERE, mirrors: [mirror(model)] };
  await expect(harness.store({ ...guarded, places }).resolve(model.id, uri)).resolves.toMatchObject({
    modelId: model.id,
  });
});

test("mirror: wrong bytes are refused and the next one is asked; the publisher's error is the one that counts", async () => {
  const model = large();
  const right = mirror(model);
  const graph = graphOf(model);
  harness.server.routes.set(`/liar/${sha256(graph)}`, flipped(graph));
  const places = { ...NOWHERE, mirrors: [harness.server.url("/liar"), right] };
  const uri = harness.serve(model);
  harness.server.routes.delete(`/${model.id}/model.onnx`);
  await expect(harness.store({ places }).resolve(model.id, uri)).resolves.toBeDefined();
  const liar = { ...NOWHERE, mirrors: [harness.server.url("/liar")] };
  const elsewhere = { places: liar, cacheDirectory: join(harness.root, "other") };
  await expect(harness.store(elsewhere).resolve(model.id, uri)).rejects.toMatchObject({
    code: "model/not-found",
  });
});

test("IPFS: the gateways are asked in order, and without one the reason is named", async () => {
  const model = large();
  const cid = "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi";
  harness.server.routes.set(`/b/ipfs/${cid}/manifest.json`, model.manifest);
  for (const [path, bytes] of Object.entries(model.files)) {
    harness.server.routes.set(`/b/ipfs/${cid}/${path}`, bytes);
  }
  const uri = `ipfs://${cid}/manifest.json`;
  const places = { ...NOWHERE, ipfsGateways: [harness.server.url("/a"), harness.server.url("/b/")] };
  await expect(harness.store({ places }).resolve(model.id, uri)).resolves.toMatchObject({
    modelId: model.id,
  });
  expect(harness.server.requested.slice(0, 2)).toEqual([
    `/a/ipfs/${cid}/manifest.json`,
    `/b/ipfs/${cid}/manifest.json`,
  ]);
  const bare = { places: NOWHERE, cacheDirectory: join(harness.root, "other") };
  await expect(harness.store(bare).resolve(model.id, uri)).rejects.toMatchObject({
    code: "model/fetch-failed",
    retry: "never",
    message: expect.stringMatching(/needs an IPFS gateway/),
  });
});

test("hub: owner, repository, revision and path become the hub's address", () => {
  const uri = new URL("hf://owner/repository@v1.0/onnx/model.onnx");
  expect(candidateUris(uri, "x", NOWHERE).map((each) => each.uri.href)).toEqual([
    "https://hub.example/owner/repository/resolve/v1.0/onnx/model.onnx",
  ]);
  expect(new URL("tokenizer.json", uri).href).toBe("hf://owner/repository@v1.0/onnx/tokenizer.json");
  expect(() => candidateUris(new URL("hf://owner/repository"), "x", NOWHERE)).toThrow(
    "is no hf://owner/repository@revision/path",
  );
});

test.each([true, false])(
  "a download that breaks off: is gone on with (server with ranges: %s)",
  async (ranges) => {
    const model = large();
    const uri = harness.serve(model);
    const graph = graphOf(model);
    const asked: (string | undefined)[] = [];
    harness.server.routes.set(`/${model.id}/model.onnx`, (response, request) => {
      const { range } = request.headers;
      asked.push(range);
      const start = ranges ? Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1] ?? 0) : 0;
      const headers = { "content-range": `bytes ${start}-${graph.length - 1}/${graph.length}` };
      response.writeHead(start > 0 ? 206 : 200, start > 0 ? headers : { "content-length": graph.length });
      // Each try brings 100,000 bytes more.
      const end = 100_000 * asked.length;
      response.write(graph.subarray(start, end), () =>
        end < graph.length ? response.destroy() : response.end(),
      );
    });
    const { files } = await harness.store().resolve(model.id, uri);
    expect(readFileSync(files["model.onnx"] as string).equals(graph)).toBe(true);
    expect(asked).toHaveLength(3);
    expect(asked[0]).toBeUndefined();
    expect(asked.slice(1).every((range) => /^bytes=\d+-$/.test(range ?? ""))).toBe(true);
    expect(harness.incoming()).toEqual([]);
  },
);

test("cache limit: the longest unused files make room, and a model that alone is too large is refused", async () => {
  const models = ["a", "b", "c"].map((name) => large(name, 100_000));
  const store = harness.store({ maxCacheBytes: 250_000 });
  const paths: string[] = [];
  for (const model of models.slice(0, 2)) {
    paths.push((await store.resolve(model.id, harness.serve(model))).files["model.onnx"] as string);
  }
  const [a, b, c] = models as [TinyModel, TinyModel, TinyModel];
  // The first is used again, so the second is the longest unused.
  await store.resolve(a.id, harness.serve(a));
  await store.resolve(c.id, harness.serve(c));
  expect(paths.map((path) => existsSync(path))).toEqual([true, false]);
  expect(readdirSync(join(harness.cache, "files")).length).toBeLessThanOrEqual(5);
  await expect(store.resolve(b.id, harness.serve(b))).resolves.toBeDefined();
  const giant = large("giant", 250_001);
  await expect(store.resolve(giant.id, harness.serve(giant))).rejects.toMatchObject({
    code: "model/too-large",
    retry: "never",
  });
});
