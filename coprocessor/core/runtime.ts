import { z } from "zod";

/**
 * Where a graph can compute. `cpu` is the native runtime. `wasm` is the same runtime in WebAssembly on one thread, slower
 * and with the same bits on every machine. The others are accelerators, each only where its libraries and hardware are.
 */
export const PROVIDERS = ["cpu", "wasm", "cuda", "tensorrt", "webgpu", "coreml", "dml"] as const;
export type Provider = (typeof PROVIDERS)[number];

/** Accelerators round in ways of their own; the other two keep integers exact. */
export const isAccelerator = (provider: Provider): boolean => provider !== "cpu" && provider !== "wasm";

/** How far a graph may be rewritten before it runs, least first. */
export const OPTIMISATIONS = ["disabled", "basic", "extended", "all"] as const;

/** Everything about a runtime that can change the last digits of a result. */
export const runtimeFingerprint = z.object({
  library: z.enum(["onnxruntime-node", "onnxruntime-web"]),
  version: z.string().min(1),
  /** What the model's manifest and the operator's configuration ask for. */
  asked: z.enum(PROVIDERS),
  /** What computes, in the runtime's order; `cpu` behind an accelerator has the operations that it lacks. */
  used: z.array(z.enum(PROVIDERS)).min(1),
  intraOpThreads: z.int().min(1),
  optimisation: z.enum(OPTIMISATIONS),
  /** Requests that were run together, this one included. */
  batch: z.int().min(1),
  /** Node's platform and architecture, for example `linux-x64`. */
  platform: z.string().min(1),
  /** The processor's vector extensions that runtimes choose code by, for example `avx2 fma`; empty when unknown. */
  cpu: z.string(),
  /** What decodes images, for a model that takes them, for example `sharp@0.35.0 libvips@8.18.0`. */
  images: z.string().min(1).optional(),
});
export type RuntimeFingerprint = z.output<typeof runtimeFingerprint>;

/** A fingerprint in one line, for logs and people. */
export function runtimeText(runtime: RuntimeFingerprint): string {
  const { library, version, asked, used, intraOpThreads, optimisation, batch, platform, cpu, images } =
    runtime;
  const provider = used.length === 1 && used[0] === asked ? asked : `${used.join("+")} for ${asked}`;
  const settings = [`intra=${intraOpThreads}`, `opt=${optimisation}`, `batch=${batch}`];
  const parts = [`${library}@${version}`, provider, ...settings, platform];
  return [...parts, ...(cpu === "" ? [] : [`(${cpu})`]), ...(images === undefined ? [] : [images])].join(" ");
}
