import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { FetchHarness } from "./fetchHarness.ts";
import { tinyModel } from "./tinyModel.ts";

const harness = new FetchHarness();

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
  await expect(harness.store().resolve(model.id, change(harness.serve(model)))).rejects.toMatchObject(error);
});

test("a server that errs or falls silent: is given up", async () => {
  const model = tinyModel("silent");
  const uri = harness.serve(model);
  const models = harness.store({ stallMs: 300 });
  harness.server.routes.set(`/${model.id}/model.onnx`, (response) => void response.writeHead(503).end());
  await expect(models.resolve(model.id, uri)).rejects.toMatchObject({
    code: "model/fetch-failed",
    message: expect.stringMatching(/HTTP 503/),
  });
  harness.server.routes.set(`/${model.id}/model.onnx`, () => undefined);
  await expect(models.resolve(model.id, uri)).rejects.toMatchObject({
    code: "model/fetch-failed",
    message: expect.stringMatching(/no byte for 300 ms/),
  });
  harness.server.routes.set(
    `/${model.id}/model.onnx`,
    (response) => void response.writeHead(200).write("gra"),
  );
  await expect(models.resolve(model.id, uri)).rejects.toMatchObject({ code: "model/fetch-failed" });
  expect(harness.incoming()).toEqual([]);
});

test("a server that drips: is given up at the deadline", async () => {
  const model = tinyModel("dripping");
  const uri = harness.serve(model);
  harness.server.routes.set(`/${model.id}/model.onnx`, (response) => {
    const drip = setInterval(() => response.write("g"), 50);
    response.on("close", () => clearInterval(drip));
  });
  await expect(harness.store({ deadlineMs: 400 }).resolve(model.id, uri)).rejects.toMatchObject({
    code: "model/fetch-failed",
  });
});

test("redirects: are followed a few times, and only over the web", async () => {
  const model = tinyModel("moved");
  const uri = harness.serve(model);
  const to = (location: string) => (response: ServerResponse) => {
    response.writeHead(302, { location }).end();
  };
  harness.server.routes.set("/moved/manifest.json", to(`/${model.id}/manifest.json`));
  harness.server.routes.set("/moved/model.onnx", to(uri.replace("manifest.json", "model.onnx")));
  await expect(
    harness.store().resolve(model.id, harness.server.url("/moved/manifest.json")),
  ).resolves.toMatchObject({
    modelId: model.id,
  });
  harness.server.routes.set("/loop", to("/loop"));
  await expect(harness.store().resolve(tinyModel("x").id, harness.server.url("/loop"))).rejects.toMatchObject(
    {
      message: expect.stringMatching(/more than 5 redirects/),
    },
  );
  harness.server.routes.set("/out", to("file:///etc/hostname"));
  await expect(harness.store().resolve(tinyModel("x").id, harness.server.url("/out"))).rejects.toMatchObject({
    message: expect.stringMatching(/redirect from http: to file:/),
  });
});

test("private addresses: are refused unless allowed, by number, by name and in any notation", async () => {
  const model = tinyModel("inside");
  harness.serve(model);
  const models = harness.store({ allowPrivateHosts: false });
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
      models.resolve(model.id, `http://${host}:${harness.server.port}/${model.id}/manifest.json`),
      host,
    ).rejects.toMatchObject({
      code: "model/fetch-failed",
      retry: "never",
      message: expect.stringMatching(/no public address/),
    });
  }
  expect(harness.server.requested).toEqual([]);
});
