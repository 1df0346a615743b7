import type { Retry } from "../core/errors.ts";

/** What every session is created with; nothing that changes results is left to a default. */
export interface RuntimeSettings {
  intraOpThreads: number;
  optimisation: "disabled" | "basic" | "extended" | "all";
  /** Sessions that one process keeps loaded. */
  maxSessions: number;
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

/** Engine to process: have the model loaded, and with `feeds` run it. */
export interface JobMessage {
  job: number;
  modelId: string;
  entryPath: string;
  /** Of the entry; 64 hex digits. */
  sha256: string;
  feeds?: Record<string, RawTensor>;
  /** The outputs to compute; all when left out. */
  fetches?: readonly string[];
}

/** Process to engine. */
export type ProcessMessage =
  | { kind: "ready"; runtime: string }
  | {
      kind: "done";
      job: number;
      signature: GraphSignature;
      loadMs: number;
      results: Record<string, RawTensor>;
      runMs: number;
    }
  | { kind: "failed"; job: number; fact: "model-failed" | "bad-output"; retry: Retry; message: string };

/** The signal by which a process that outgrew its memory ends itself, so that the engine can say why. */
export const OUT_OF_MEMORY_SIGNAL = "SIGUSR2";
