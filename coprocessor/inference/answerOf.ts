import type { Exit } from "./childProcess.ts";
import { inferenceError } from "./inferenceError.ts";
import type { JobEnding } from "./jobLine.ts";
import { OUT_OF_MEMORY_SIGNAL } from "./messages.ts";

/** What a process tells of a job that it did. */
export type Answer = Extract<JobEnding, { kind: "answer" | "loaded" }>;

/** Whose job it was and what it was allowed, for its error. */
export interface EndedJob {
  /** The model's, in its manifest. */
  name: string;
  modelId: string;
  timeoutMs: number;
  maxMemoryBytes: number;
}

/**
 * The answer that a job ended with.
 *
 * @throws CoprocessorError `inference/…` that says why there is none, and whether another try may help.
 */
export function answerOf(ending: JobEnding, job: EndedJob): Answer {
  const { name, modelId, timeoutMs } = job;
  switch (ending.kind) {
    case "answer":
    case "loaded":
      return ending;
    case "failed": {
      const { fact, message, retry, meta } = ending;
      throw inferenceError(fact, message, { retry, meta });
    }
    case "exit":
      throw deathOf(job, ending.exit);
    case "timeout":
      throw inferenceError("timeout", `${name} took longer than ${timeoutMs} ms and was ended`, {
        meta: { modelId, timeoutMs },
      });
    case "waited":
      throw inferenceError("timeout", `no inference process was free for ${timeoutMs} ms`, {
        retry: "backoff",
        meta: { modelId, timeoutMs },
      });
    case "closed":
      throw inferenceError("model-failed", "the engine is closed", { retry: "backoff", meta: { modelId } });
  }
}

function deathOf({ name, modelId, maxMemoryBytes }: EndedJob, { code, signal, stderr }: Exit) {
  if (signal === OUT_OF_MEMORY_SIGNAL) {
    return inferenceError("out-of-memory", `${name} needed more than ${maxMemoryBytes} bytes of memory`, {
      meta: { modelId, maxMemoryBytes },
    });
  }
  const how = signal ?? `exit code ${code}`;
  return inferenceError("model-failed", `the inference process of ${name} ended: ${how}`, {
    // It may have been meant for somebody else, as the kernel's kill is when memory is short.
    retry: "backoff",
    meta: { modelId, code, signal, stderr },
  });
}
