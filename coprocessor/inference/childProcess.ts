import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { constants, getPriority, setPriority } from "node:os";
import type { Duplex } from "node:stream";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { RuntimeFingerprint } from "../core/runtime.ts";
import { FrameReader, Heads } from "./frames.ts";
import { PIPE, type ProcessMessage, type RowEnding, type RuntimeSettings } from "./messages.ts";
import { decodeRows } from "./rowParts.ts";

/** How a process ended, and the last that it wrote. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
  stderr: string;
}

/** What a process says; `done` with what its frame holds beside. */
export type ChildMessage =
  | Exclude<ProcessMessage, { kind: "done" }>
  | (Extract<ProcessMessage, { kind: "done" }> & {
      runtime: RuntimeFingerprint;
      rows: RowEnding[];
    });

export interface InferenceChild {
  readonly pid: number | undefined;
  send(frame: Buffer): void;
  /** Ends it at once, whatever it does. `onExit` follows. */
  kill(): void;
}

const STDERR_KEPT = 2_000;
/**
 * How much further than the node a process yields to others, as `nice` counts: who waits for its answers is the node's one
 * thread, which also follows the chain and its peers, and is to have a processor at once when all are busy with models.
 */
const NICER_BY = 5;
const NOTHING = Buffer.alloc(0);
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
  handlers: {
    onMessage(message: ChildMessage): void;
    onExit(exit: Exit): void;
  },
): InferenceChild {
  const child = spawn(
    process.execPath,
    [
      // By its path, because the child works elsewhere; our own flags (a debugger's port, a test runner's) stay ours.
      ...["--import", pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href],
      ...[fileURLToPath(new URL("./inferenceProcess.ts", import.meta.url)), JSON.stringify(settings)],
    ],
    {
      cwd: directory,
      env: {
        ...Object.fromEntries(
          ENVIRONMENT.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
        ),
        ...FIXED,
      },
      stdio: ["ignore", "ignore", "pipe", "pipe"],
    },
  );
  yieldToNode(child.pid);
  let stderr = "";
  let failure: Error | null = null;
  let ended = false;
  const reader = new FrameReader();
  // As a rule it says the same as before.
  const messages = new Heads<ProcessMessage>();
  const runtimes = new Heads<RuntimeFingerprint>();
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-STDERR_KEPT);
  });
  const end = (code: number | null, signal: NodeJS.Signals | null) => {
    if (ended) return;
    ended = true;
    handlers.onExit({ code, signal, stderr: failure ? failure.message : stderr });
  };
  // Null when the process could not be started.
  const pipe = child.stdio[PIPE] as Duplex | null;
  pipe?.on("data", (piece: Buffer) => {
    try {
      for (const { head, parts } of reader.push(piece)) {
        const message = messages.parse(parts[0] ?? NOTHING);
        if (message.kind !== "done") handlers.onMessage(message);
        else {
          handlers.onMessage({
            ...message,
            runtime: runtimes.parse(head),
            rows: decodeRows(parts.slice(1)),
          });
        }
      }
    } catch (error) {
      // It says what no process of ours says.
      failure = error as Error;
      child.kill("SIGKILL");
    }
  });
  // A pipe that breaks shows as an exit.
  pipe?.on("error", () => undefined);
  child.on("error", (error) => {
    failure = error;
    // A process that could not even start has no exit.
    if (child.pid === undefined) end(null, null);
  });
  // "close" and not "exit": only then all of stderr is here.
  child.on("close", end);
  return {
    pid: child.pid,
    send: (frame) => {
      if (pipe?.writable) pipe.write(frame);
    },
    kill: () => child.kill("SIGKILL"),
  };
}

function yieldToNode(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    setPriority(pid, Math.min(constants.priority.PRIORITY_LOW, getPriority() + NICER_BY));
  } catch {
    // It has ended already, or the system has no such thing; then the node may have to wait for its turn.
  }
}
