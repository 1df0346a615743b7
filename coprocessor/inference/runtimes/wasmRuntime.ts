import type { Tensor } from "onnxruntime-node";
import * as ort from "onnxruntime-web";
import type { OpenedSession, Runtime } from "./runtime.ts";

// More threads would share sums out differently; one gives the same bits everywhere.
ort.env.wasm.numThreads = 1;
ort.env.wasm.proxy = false;
ort.env.logLevel = "fatal";

/**
 * ONNX Runtime in WebAssembly: the canonical runner of `exact` models that compute with real numbers.
 *
 * WebAssembly defines every bit of float32 arithmetic (NaN's payload apart, and NaN is never a result). Threads and
 * optimisation level are fixed here and not the operator's to choose.
 */
export const wasmRuntime: Runtime = {
  library: "onnxruntime-web",
  version: ort.env.versions.web ?? ort.env.versions.common,
  Tensor: ort.Tensor as unknown as typeof Tensor,
  async open(bytes) {
    const session = await ort.InferenceSession.create(bytes, {
      executionProviders: ["wasm"],
      executionMode: "sequential",
      graphOptimizationLevel: "all",
      logSeverityLevel: 4,
    });
    return {
      session: session as unknown as OpenedSession["session"],
      fingerprint: { used: ["wasm"], intraOpThreads: 1, optimisation: "all" },
    };
  },
  run: (session, feeds, fetches) => session.run(feeds, fetches),
};
