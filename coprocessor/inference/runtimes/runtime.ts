import type { InferenceSession, Tensor } from "onnxruntime-node";
import type { Provider, RuntimeFingerprint } from "../../core/runtime.ts";
import type { RuntimeSettings } from "../messages.ts";

/** A session, and what it says of itself in receipts. */
export interface OpenedSession {
  session: InferenceSession;
  fingerprint: Pick<RuntimeFingerprint, "used" | "intraOpThreads" | "optimisation">;
}

/** A build of ONNX Runtime. Both builds have the same sessions and tensors. */
export interface Runtime {
  readonly library: RuntimeFingerprint["library"];
  readonly version: string;
  readonly Tensor: typeof Tensor;
  /**
   * @param bytes The graph.
   * @throws ProviderFailedError when the provider is not there or cannot take the graph; else the runtime's error.
   */
  open(bytes: Uint8Array, provider: Provider, settings: RuntimeSettings): Promise<OpenedSession>;
  /** As the session's own `run`, which may leave others their turn first, in a process that has nothing else to do. */
  run(
    session: InferenceSession,
    feeds: InferenceSession.FeedsType,
    fetches: readonly string[],
  ): Promise<InferenceSession.ReturnType>;
}

/** The provider that was asked for is not there, or refuses the graph. There is no other to fall back to. */
export class ProviderFailedError extends Error {
  override readonly name = "ProviderFailedError";

  constructor(provider: Provider, cause: unknown) {
    super(`${provider} cannot run it: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
