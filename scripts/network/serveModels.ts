import { createReadStream, existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type ModelManifest, modelId, parseManifest } from "@sibyl/sdk";
import type { Hex } from "viem";
import type { Teardown } from "./teardown.ts";

/** A model that the local network's file server offers. */
export interface ServedModel {
  modelId: Hex;
  manifest: ModelManifest;
  manifestURI: string;
  /** Folder that it is served from. */
  folder: string;
}

export interface ModelServer {
  url: string;
  /** @throws Error when there is no such model. */
  model(name: string): ServedModel;
}

/**
 * Serves the models of a folder over HTTP on loopback, `/<name>/manifest.json` and the files that the manifest names.
 *
 * Operators fetch from here by what the chain says and check every hash, as they would from any mirror that nobody trusts.
 */
export async function serveModels(folder: string, teardown: Teardown): Promise<ModelServer> {
  const models = new Map<string, { folder: string; manifest: ModelManifest }>();
  for (const name of readdirSync(folder)) {
    const path = join(folder, name, "manifest.json");
    if (!existsSync(path)) continue;
    models.set(name, { folder: join(folder, name), manifest: parseManifest(readFileSync(path)) });
  }
  const server = createServer((request, response) => {
    const [, name = "", ...rest] = (request.url ?? "").split("/");
    const model = models.get(name);
    const path = rest.join("/");
    // Only what a manifest names is served, so no path can lead anywhere else.
    const known = path === "manifest.json" || model?.manifest.files.some((file) => file.path === path);
    if (model === undefined || !known) {
      response.writeHead(404).end();
      return;
    }
    const stream = createReadStream(join(model.folder, path));
    stream.on("error", () => response.destroy());
    stream.pipe(response);
  });
  const url = await listen(server);
  teardown.add("model server", () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return {
    url,
    model(name) {
      const model = models.get(name);
      if (model === undefined)
        throw new Error(`no model "${name}" in ${folder}; there is ${[...models.keys()].join(", ")}`);
      return { ...model, modelId: modelId(model.manifest), manifestURI: `${url}/${name}/manifest.json` };
    },
  };
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
