import { spawn } from "node:child_process";
import { constants } from "node:os";
import { root } from "./root.mjs";

/**
 * How a program ended.
 *
 * @typedef {object} Exit
 * @property {number} code Exit status; 128 + signal number when a signal ended it, 127 when it could not be started.
 * @property {boolean} timedOut It ran past its limit and was ended.
 * @property {string} stdout What it printed, when captured; "" otherwise.
 * @property {string} stderr As `stdout`.
 */

/**
 * @typedef {object} LaunchOptions
 * @property {string} [cwd] Default: the repository.
 * @property {NodeJS.ProcessEnv} [env] Added to this process's environment.
 * @property {"inherit" | "capture"} [stdout] Default: inherit.
 * @property {"inherit" | "capture" | "tee"} [stderr] Default: inherit. `tee` shows and captures.
 * @property {number} [timeoutMs] Default: none.
 * @property {boolean} [endLeftovers] Ends what the program started and left behind. Default: false.
 */

/** Colours are for a terminal; some tools write them into pipes and logs as well. */
const PLAIN = process.stdout.isTTY ? {} : { NO_COLOR: "1", FORCE_COLOR: undefined };
const GRACE_MS = 10_000;
/** npm hands on a Ctrl-C that the terminal has sent to us as well; both arrive within this time. */
const SAME_KEYPRESS_MS = 1_000;

/** @type {Set<import("node:child_process").ChildProcess>} */
const running = new Set();
/** @type {NodeJS.Signals | null} */
let interruption = null;
let interruptedAt = 0;

/** The signal that asked this runner to stop, or null. Tasks of several steps ask it before the next step. */
export const interruptedBy = () => interruption;

/** Exit status that says "ended by this signal", as shells do. @param {NodeJS.Signals} signal */
export const signalExitCode = (signal) => 128 + (constants.signals[signal] ?? 0);

for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
  process.on(signal, () => {
    const now = Date.now();
    if (interruption !== null && now - interruptedAt < SAME_KEYPRESS_MS) return;
    interruption = signal;
    interruptedAt = now;
    for (const child of running) child.kill(signal);
  });
}
// A child in its own session is not told of a resized terminal.
if (process.stdout.isTTY) {
  process.on("SIGWINCH", () => {
    for (const child of running) child.kill("SIGWINCH");
  });
}

/**
 * Runs a program to its end.
 *
 * It gets a session of its own, so a Ctrl-C reaches it only through us and exactly once; we then wait until it has
 * cleaned up and ended by itself.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {LaunchOptions} [options]
 * @returns {Promise<Exit>}
 */
export function launch(command, args, options = {}) {
  const {
    cwd = root,
    env,
    stdout = "inherit",
    stderr = "inherit",
    timeoutMs,
    endLeftovers = false,
  } = options;
  if (interruption !== null) {
    return Promise.resolve({ code: signalExitCode(interruption), timedOut: false, stdout: "", stderr: "" });
  }
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...PLAIN, ...env },
      detached: process.platform !== "win32",
      stdio: [
        "inherit",
        stdout === "inherit" ? "inherit" : "pipe",
        stderr === "inherit" ? "inherit" : "pipe",
      ],
    });
    running.add(child);
    /** @type {Buffer[]} */
    const out = [];
    /** @type {Buffer[]} */
    const err = [];
    child.stdout?.on("data", (chunk) => out.push(chunk));
    child.stderr?.on("data", (chunk) => {
      err.push(chunk);
      if (stderr === "tee") process.stderr.write(chunk);
    });

    let timedOut = false;
    /** @type {NodeJS.Timeout | undefined} */
    let killTimer;
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            timedOut = true;
            child.kill("SIGTERM");
            killTimer = setTimeout(() => killGroup(child), GRACE_MS);
          }, timeoutMs);

    /** @param {number} code @param {string} [problem] */
    const finish = (code, problem) => {
      clearTimeout(timer);
      clearTimeout(killTimer);
      running.delete(child);
      resolve({
        code,
        timedOut,
        stdout: Buffer.concat(out).toString(),
        stderr: Buffer.concat(err).toString() + (problem ?? ""),
      });
    };
    child.on("error", (error) => finish(127, `cannot start ${command}: ${error.message}\n`));
    // Leftovers may hold our pipes open, so they are ended on "exit", and "close" comes after.
    child.on("exit", () => {
      if (endLeftovers || timedOut) killGroup(child);
    });
    child.on("close", (code, signal) => finish(signal ? signalExitCode(signal) : (code ?? 1)));
  });
}

/** @param {import("node:child_process").ChildProcess} child */
function killGroup(child) {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch (error) {
    // ESRCH: nothing is left of the group, which is what we want.
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== "ESRCH") child.kill("SIGKILL");
  }
}
