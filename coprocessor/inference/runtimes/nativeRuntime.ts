import * as ort from "onnxruntime-node";
import { ProviderFailedError, type Runtime } from "./runtime.ts";

/** What the runtime says when an accelerator leaves operations to the CPU and may not. */
const NEEDS_CPU = /fallback to CPU EP has been explicitly disabled/;

/** ONNX Runtime as a native library: the CPU, and whichever accelerators the package and the machine have. */
export const nativeRuntime: Runtime = {
  library: "onnxruntime-node",
  version: ort.env.versions.node ?? ort.env.versions.common,
  Tensor: ort.Tensor,
  async open(bytes, provider, { intraOpThreads, optimisation }) {
    const create = (extra: Record<string, unknown> = {}) =>
      ort.InferenceSession.create(bytes, {
        executionProviders: [provider],
        executionMode: "sequential",
        intraOpNumThreads: intraOpThreads,
        interOpNumThreads: 1,
        graphOptimizationLevel: optimisation,
        logSeverityLevel: 4,
        ...extra,
      });
    const opened = (session: ort.InferenceSession, used: [typeof provider, ...(typeof provider)[]]) => ({
      session,
      fingerprint: { used, intraOpThreads, optimisation },
    });
    if (provider === "cpu") return opened(await create(), ["cpu"]);
    try {
      // The runtime gives operations that an accelerator lacks to the CPU without a word. Forbidding that tells.
      const session = await create({ extra: { session: { disable_cpu_ep_fallback: "1" } } });
      return opened(session, [provider]);
    } catch (error) {
      if (!(error instanceof Error && NEEDS_CPU.test(error.message))) {
        throw new ProviderFailedError(provider, error);
      }
      return opened(await create(), [provider, "cpu"]);
    }
  },
  /*
   * The binding puts each run off by a turn of Node's loop, with `setImmediate`, so that others get theirs. Nobody else is in
   * this process, and a turn takes a third of what a small graph does.
   */
  run(session, feeds, fetches) {
    const { setImmediate: later } = globalThis;
    globalThis.setImmediate = ((task: () => void) => task()) as unknown as typeof later;
    try {
      return session.run(feeds, fetches);
    } finally {
      globalThis.setImmediate = later;
    }
  },
};
