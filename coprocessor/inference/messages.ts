import type { ModelManifest } from "@sibyl/sdk";
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

/** The head of each frame to a process, as JSON: everything that it takes to load a model. The parts are the inputs. */
export interface ModelEntry {
  modelId: string;
  manifest: ModelManifest;
  entryPath: string;
  /** Of the entry; 64 hex digits. */
  sha256: string;
  provider: Provider;
  /** The model's other files, by their path in the manifest. */
  files: Readonly<Record<string, FileReference>>;
}

/** Why there is no answer. */
export interface Failure {
  fact: ProcessFact;
  retry: Retry;
  message: string;
  meta: Record<string, unknown>;
}

/** How one of several requests ended. */
export type RowEnding =
  | {
      output: Uint8Array;
      /** Milliseconds in the session, of all that ran together. */
      runMs: number;
      /** Requests that ran together. */
      batch: number;
    }
  | Failure;

/**
 * The first part of each frame from a process, as JSON; the head is the `RuntimeFingerprint` of the model, as if it ran
 * alone.
 */
export type ProcessMessage =
  | { kind: "ready" }
  /** The other parts are the rows, in the order of the inputs; see `rowParts.ts`. */
  | ({ kind: "done"; loadMs: number } & Leaving)
  /** The model could not be loaded. */
  | ({ kind: "failed" } & Failure & Leaving);

interface Leaving {
  /** Whether the process ends itself after it, and answers no other frame. */
  isLast: boolean;
}

/** Bytes of inputs that go into one frame, unless a single one has more: what it takes to write one blocks the engine. */
export const MAX_INPUT_BYTES = 2 ** 20;
/** Most requests in one frame. */
export const MAX_JOBS = 128;
/** Most bytes of an output: it has to fit a transaction, with the attestations beside it. */
export const MAX_OUTPUT_BYTES = 96 * 1024;

/** Where a process finds the pipe to its engine. */
export const PIPE = 3;

/** What can go wrong in a process. */
export type ProcessFact = "bad-input" | "model-failed" | "bad-output" | "provider-failed" | "out-of-memory";

/** The signal by which a process that outgrew its memory ends itself, so that the engine can say why. */
export const OUT_OF_MEMORY_SIGNAL = "SIGUSR2";
