/**
 * Packs what `bench:gpu` needs into one archive, for a machine with an NVIDIA GPU that cannot reach a registry:
 *
 *     node --import tsx scripts/bench/gpuPack.ts [--out .cache/gpu-bench.tgz] [--without-cuda]
 *
 * There: unpack it and run `gpu-bench/run.sh --json > result.json`. The machine brings the driver, CUDA 13 and cuDNN 9;
 * Node, the packages, ONNX Runtime's CUDA libraries, the models and their weights are inside. Linux on x64 only.
 */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { type NpmPackage, npmPackage } from "../models/npmPackage.ts";
import { fetchWeights, WEIGHTS } from "../models/weights.ts";
import { type LockedPackage, neededPackages } from "./installedPackages.ts";

/** ONNX Runtime 1.29's libraries for CUDA 13, as a game engine's plugin carries them; MIT. */
const CUDA_PROVIDER: NpmPackage = {
  name: "com.github.asus4.onnxruntime.linux-x64-gpu",
  version: "0.4.9",
  sha256: "2b459e0c17f340c92970c10ed86de4f37a3009f93c14053e6ad4334cbb6be412",
};
const PROVIDER_FILES = ["libonnxruntime_providers_shared.so", "libonnxruntime_providers_cuda.so"];
const ROOT = join(import.meta.dirname, "..", "..");
const BINARIES = "node_modules/onnxruntime-node/bin/napi-v6";
/** What the bench reads, beside packages. */
const SOURCES = ["package.json", "tsconfig.json", "LICENSE", "coprocessor", "sdk", "models", "scripts"];
const RUN = `#!/bin/sh
# Runs the bench with what lies beside this file; options as of npm run bench:gpu.
set -eu
cd "$(dirname "$0")"
exec ./node --import tsx scripts/bench/gpu.ts "$@"
`;

const { values } = parseArgs({
  options: {
    out: { type: "string", default: join(ROOT, ".cache", "gpu-bench.tgz") },
    "without-cuda": { type: "boolean", default: false },
  },
});
if (process.platform !== "linux" || process.arch !== "x64") {
  throw new Error(
    `the packages installed here are for ${process.platform}-${process.arch}, linux-x64 wanted`,
  );
}
for (const model of Object.keys(WEIGHTS)) await fetchWeights(model);

const out = resolve(values.out);
const work = `${out}.${process.pid}`;
const target = join(work, "gpu-bench");
rmSync(work, { recursive: true, force: true });
mkdirSync(target, { recursive: true });
try {
  for (const source of SOURCES) copy(source);
  const { packages } = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as {
    packages: Record<string, LockedPackage>;
  };
  const isInstalled = (place: string) => existsSync(join(ROOT, place, "package.json"));
  for (const place of neededPackages(packages, ["coprocessor", "sdk"], isInstalled)) copy(place);
  mkdirSync(join(target, "node_modules", "@sibyl"), { recursive: true });
  for (const name of ["sdk", "coprocessor"]) {
    symlinkSync(join("..", "..", name), join(target, "node_modules", "@sibyl", name));
  }
  if (!values["without-cuda"]) {
    const folder = join(await npmPackage(CUDA_PROVIDER), "Plugins", "Linux", "x64");
    for (const file of PROVIDER_FILES)
      cpSync(join(folder, file), join(target, BINARIES, "linux", "x64", file));
  }
  cpSync(process.execPath, join(target, "node"));
  writeFileSync(join(target, "run.sh"), RUN);
  chmodSync(join(target, "run.sh"), 0o755);
  mkdirSync(dirname(out), { recursive: true });
  const tar = spawnSync("tar", ["-czf", out, "-C", work, "gpu-bench"], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (tar.status !== 0) throw new Error(`tar ended with ${tar.signal ?? tar.status}`);
  console.log(`${out}: ${Math.round(statSync(out).size / 2 ** 20)} MiB`);
} finally {
  rmSync(work, { recursive: true, force: true });
}

/** Copies a file or folder of the repository to the same place, without what another platform needs. */
function copy(path: string): void {
  cpSync(join(ROOT, path), join(target, path), {
    recursive: true,
    // A nested package is named by the lockfile, and copied when it is needed.
    filter: (source) => {
      const inside = relative(join(ROOT, path), source);
      if (inside.split("/").includes("node_modules") || source.endsWith(".map")) return false;
      const binary = relative(join(ROOT, BINARIES), source);
      return binary.startsWith("..") || binary === "" || binary === "linux" || binary.startsWith("linux/x64");
    },
  });
}
