import { type ChildProcess, fork } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { JobMessage, ProcessMessage, RuntimeSettings } from "./messages.ts";

/** How a process ended, and the last that it wrote. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
  stderr: string;
}

export interface InferenceChild {
  readonly pid: number | undefined;
  send(message: JobMessage): void;
  /** Ends it at once, whatever it does. `onExit` follows. */
  kill(): void;
}

const STDERR_KEPT = 2_000;
/** What Node, tsx and a runtime need to start. Nothing else of the operator's environment gets to a model. */
const ENVIRONMENT = [
  "PATH",
  "TMPDIR",
  "TEMP",
  "TMP",
  "SystemRoot",
  "LD_LIBRARY_PATH",
  "TZ",
  "CUDA_VISIBLE_DEVICES",
];
/** TF32 keeps ten bits of a float32: an accelerator that uses it agrees with nobody. */
const FIXED = { NVIDIA_TF32_OVERRIDE: "0" };

/**
 * Starts an inference process.
 *
 * @param directory An empty folder to work in: a graph may name files relative to it.
 */
export function startChild(
  settings: RuntimeSettings,
  directory: string,
  handlers: { onMessage(message: ProcessMessage): void; onExit(exit: Exit): void },
): InferenceChild {
  const child: ChildProcess = fork(
    fileURLToPath(new URL("./inferenceProcess.ts", import.meta.url)),
    [JSON.stringify(settings)],
    {
      // By its path, because the child works elsewhere; our own flags (a debugger's port, a test runner's) stay ours.
      execArgv: ["--import", pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href],
      cwd: directory,
      env: {
        ...Object.fromEntries(
          ENVIRONMENT.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
        ),
        ...FIXED,
      },
      // Structured clone: bytes go through as bytes.
      serialization: "advanced",
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    },
  );
  let stderr = "";
  let failure: Error | null = null;
  let ended = false;
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-STDERR_KEPT);
  });
  const end = (code: number | null, signal: NodeJS.Signals | null) => {
    if (ended) return;
    ended = true;
    handlers.onExit({ code, signal, stderr: failure ? failure.message : stderr });
  };
  child.on("message", (message) => handlers.onMessage(message as ProcessMessage));
  child.on("error", (error) => {
    failure = error;
    // A process that could not even start has no exit.
    if (child.pid === undefined) end(null, null);
  });
  // "close" and not "exit": only then all of stderr is here.
  child.on("close", end);
  return {
    pid: child.pid,
    send: (message) => {
      // A channel that is closed already shows as an exit.
      if (child.connected) child.send(message, () => undefined);
    },
    kill: () => child.kill("SIGKILL"),
  };
}
