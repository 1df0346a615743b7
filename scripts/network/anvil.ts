import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { foundryBinary } from "../foundry/foundryBinary.mjs";

export interface AnvilOptions {
  /** Seconds between blocks; without it every transaction is mined at once. */
  blockTime?: number;
  /** Mines only on `anvil_mine` and the like. */
  noMining?: boolean;
  chainId?: number;
  /** Unix seconds of the genesis block. */
  timestamp?: number;
  /** Slots in an epoch: the `finalized` tag stands two epochs behind the head; 32 when not given. */
  slotsInEpoch?: number;
  /** Further command-line arguments, passed on as they are. */
  args?: readonly string[];
  /** Milliseconds to wait for the port; 20,000 when not given. */
  startTimeoutMs?: number;
}

/** A running anvil that this process started. */
export interface Anvil {
  /** `http://127.0.0.1:<port>`; WebSocket is on the same port. */
  url: string;
  port: number;
  chainId: number;
  /** Process id of the native binary. */
  pid: number;
  /** Ends the process and waits for it; may be called twice. */
  stop(): Promise<void>;
  /** Resolves when the process is gone, whoever ended it. */
  exited: Promise<void>;
}

const STOP_GRACE_MS = 3_000;
const running = new Set<ChildProcess>();
let watching = false;

/** The binaries would outlive a parent that ends without calling `stop`; so its end, also by a signal, takes them along. */
function endWithParent(): void {
  if (watching) return;
  watching = true;
  const killAll = () => {
    for (const child of running) child.kill("SIGKILL");
  };
  process.on("exit", killAll);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    const onSignal = () => {
      // Whoever else listens decides how to end, and calls `stop`.
      if (process.listenerCount(signal) > 1) return;
      killAll();
      process.off(signal, onSignal);
      process.kill(process.pid, signal);
    };
    process.on(signal, onSignal);
  }
}

/**
 * Starts anvil on loopback with its public development accounts.
 *
 * @throws Error when it exits or stays silent before it listens; the message carries its last output.
 */
export async function startAnvil(options: AnvilOptions = {}): Promise<Anvil> {
  const chainId = options.chainId ?? 31_337;
  const args = ["--host", "127.0.0.1", "--port", "0", "--chain-id", String(chainId)];
  if (options.blockTime !== undefined) args.push("--block-time", String(options.blockTime));
  if (options.noMining) args.push("--no-mining");
  if (options.timestamp !== undefined) args.push("--timestamp", String(options.timestamp));
  if (options.slotsInEpoch !== undefined) args.push("--slots-in-an-epoch", String(options.slotsInEpoch));
  args.push(...(options.args ?? []));

  const child = spawn(foundryBinary("anvil"), args, { stdio: ["ignore", "pipe", "pipe"] });
  const exited = once(child, "exit").then(() => undefined);
  running.add(child);
  endWithParent();
  void exited.then(() => running.delete(child));

  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_GRACE_MS);
    await exited;
    clearTimeout(timer);
  };

  const output: string[] = [];
  try {
    const port = await new Promise<number>((resolve, reject) => {
      const timeoutMs = options.startTimeoutMs ?? 20_000;
      const timer = setTimeout(
        () => reject(new Error(`anvil did not listen within ${timeoutMs} ms\n${output.join("\n")}`)),
        timeoutMs,
      );
      const settle = (act: () => void) => {
        clearTimeout(timer);
        act();
      };
      child.on("error", (cause) => settle(() => reject(new Error("anvil could not be started", { cause }))));
      child.on("exit", (status, signal) =>
        settle(() => reject(new Error(`anvil exited with ${status ?? signal}\n${output.join("\n")}`))),
      );
      for (const stream of [child.stdout, child.stderr]) {
        createInterface({ input: stream }).on("line", (line) => {
          // Read on for ever, or a full pipe would stop anvil; keep the start only.
          if (output.length < 200) output.push(line);
          const listening = /^Listening on .*:(\d+)/.exec(line);
          if (listening) settle(() => resolve(Number(listening[1])));
        });
      }
    });
    return { url: `http://127.0.0.1:${port}`, port, chainId, pid: child.pid as number, stop, exited };
  } catch (error) {
    await stop();
    throw error;
  }
}
