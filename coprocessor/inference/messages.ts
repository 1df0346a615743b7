import type { Retry } from "../core/errors.ts";
import type { Provider, RuntimeFingerprint } from "../core/runtime.ts";
import type { CtcPlan } from "./ctc.ts";
import type { ImagePlan } from "./imageTensor.ts";
import type { TokenPlan } from "./tokenRow.ts";

/** What every session is created with; nothing that changes results is left to a default. */
export interface RuntimeSettings {
  intraOpThreads: number;
  optimisation: RuntimeFingerprint["optimisation"];
  /** Sessions that one process keeps loaded. */
  maxSessions: number;
  /** Bytes that the loaded sessions of one process may take together; the longest unused are released. */
  maxSessionBytes: number;
  /** Resident bytes at which a process ends itself. */
  maxMemoryBytes: number;
}

/** Numbers of a tensor, as the runtime's binding holds them; uint8 also carries bools. */
export type Numbers =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** A tensor on its way into or out of a graph. */
export interface RawTensor {
  /** The runtime's name of the element type, for example `float32`. */
  type: string;
  dims: readonly number[];
  data: Numbers | string[];
}

/** An input or output of a graph: its element type, and its shape with names for open dimensions. */
export interface TensorSignature {
  name: string;
  type: string;
  shape: readonly (number | string)[];
}

export interface GraphSignature {
  inputs: readonly TensorSignature[];
  outputs: readonly TensorSignature[];
}

/** A file of a model beside its entry. */
export interface FileReference {
  path: string;
  /** 64 hex digits. */
  sha256: string;
}

/** How a causal language model is to be run; see `tasks/textGeneration.ts`. */
export interface GenerationPlan {
  /** Path in the manifest. */
  tokenizer: string;
  startTokens: readonly number[];
  stopTokens: readonly number[];
  stopTexts: readonly string[];
  /** Tokens of prompt and answer together. */
  contextTokens: number;
  maxNewTokens: number;
  sampling?: { temperature: number; topK: number } | undefined;
  /** The graph's names for each part of the KV cache, and its shape [1, heads, tokens, width]. */
  caches: readonly { past: string; present: string; heads: number; width: number }[];
  /** Names of everything that the graph takes. */
  inputs: readonly string[];
}

/** What the process does to requests that it gets as texts (`text`) or encoded images (`bytes`). */
export interface RowWork {
  preparation: ImagePlan | TokenPlan;
  /** What it makes of the graph's results, where those are far larger; null when they go back as they are. */
  reading: CtcPlan | null;
}

/** How one of several requests ended. */
export type RowEnding =
  | { kind: "done"; results: Record<string, RawTensor>; runMs: number; batch: number }
  | { kind: "failed"; fact: ProcessFact; retry: Retry; message: string };

/** Engine to process: have the model loaded, and with `feeds` run it. */
export interface JobMessage {
  job: number;
  modelId: string;
  entryPath: string;
  /** Of the entry; 64 hex digits. */
  sha256: string;
  provider: Provider;
  /** The model's other files, by their path in the manifest. */
  files: Readonly<Record<string, FileReference>>;
  feeds?: Record<string, RawTensor>;
  /** The outputs to compute; all when left out. */
  fetches?: readonly string[];
  /** Has `feeds.prompt` gone on with, token by token, instead of one run. */
  generation?: GenerationPlan;
  /** Has the process make the tensors itself, of one request or of several; then there are no `feeds`. */
  rows?: readonly Record<string, RawTensor>[];
  work?: RowWork;
}

/** Process to engine. */
export type ProcessMessage =
  | { kind: "ready" }
  | {
      kind: "done";
      job: number;
      signature: GraphSignature;
      runtime: RuntimeFingerprint;
      loadMs: number;
      results: Record<string, RawTensor>;
      runMs: number;
      /** For a message with `rows`: how each ended. */
      rows?: RowEnding[];
    }
  | { kind: "failed"; job: number; fact: ProcessFact; retry: Retry; message: string };

/** What can go wrong in a process. */
export type ProcessFact = "bad-input" | "model-failed" | "bad-output" | "provider-failed" | "out-of-memory";

/** The signal by which a process that outgrew its memory ends itself, so that the engine can say why. */
export const OUT_OF_MEMORY_SIGNAL = "SIGUSR2";
