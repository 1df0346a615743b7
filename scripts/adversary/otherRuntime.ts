import { cpSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { type NpmPackage, npmPackage } from "../models/npmPackage.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const COPROCESSOR = join(ROOT, "coprocessor");

/** Versions of ONNX Runtime before and after ours: 86 and 114 MB, so they are fetched only where they are asked for. */
const VERSIONS = {
  "1.24.3": {
    node: "aa1bb5fa261ea68de05dd53efbba210cd7adf2d2850f4c3a201054c74cc78040",
    common: "e9575aff207975a78d8b4c0ceff2a2d0767468b9d2a20d33fe6d74e43f67e193",
  },
  "1.30.0": {
    node: "6e3390d6b783e7be946fad629292799da28d0b42f84856e50d2c1b0383291e75",
    common: "7906c439e0d3e0f4048caa23b64cdfadc0f455c377f579ce1ab2a4b778f07d5f",
  },
} as const;

export type RuntimeVersion = keyof typeof VERSIONS;

/**
 * Puts our coprocessor beside another version of ONNX Runtime, where it finds that before ours.
 *
 * @param folder Where to; everything below it is replaced. Inside the repository, because all other packages are found
 * from there.
 * @returns arguments for Node that start its `sibyl node`.
 */
export async function commandWithRuntime(version: RuntimeVersion, folder: string): Promise<string[]> {
  const { node, common } = VERSIONS[version];
  const home = join(folder, version);
  rmSync(home, { recursive: true, force: true });
  await put(home, { name: "onnxruntime-node", version, sha256: node });
  await put(home, { name: "onnxruntime-common", version, sha256: common });
  cpSync(COPROCESSOR, join(home, "coprocessor"), {
    recursive: true,
    filter: (path) => basename(path) !== "node_modules",
  });
  return [join(home, "coprocessor", "bin", "sibyl.js"), "node"];
}

async function put(home: string, wanted: NpmPackage): Promise<void> {
  const from = await npmPackage(wanted);
  const to = join(home, "node_modules", wanted.name);
  mkdirSync(to, { recursive: true });
  const bindings = join("bin", "napi-v6");
  cpSync(from, to, { recursive: true, filter: (path) => !path.startsWith(join(from, "bin")) });
  if (!existsSync(join(from, bindings))) return;
  // Of the libraries for six platforms only this one's, which is a sixth of 250 MB.
  const ours = join(bindings, process.platform, process.arch);
  cpSync(join(from, ours), join(to, ours), { recursive: true });
}
