import { setTimeout as sleep } from "node:timers/promises";
import { webSocket } from "viem";
import type { Log } from "../observe/port.ts";

export interface HeadSocketOptions {
  /** ws(s) URL of the chain. */
  url: string;
  /** Called for each head that the server announces. */
  onHead(): void;
  /** Called when a connection ended, or could not be made. */
  onLost?(): void;
  log: Log;
  /** Milliseconds without a head after which the connection counts as dead; 60,000 when not given. */
  silentMs?: number;
  /** Milliseconds before the first try to connect again, doubled up to `longestPauseMs`; 1,000 and 60,000. */
  firstPauseMs?: number;
  longestPauseMs?: number;
}

/** A subscription to a chain's new heads that is kept up for as long as possible. */
export interface HeadSocket {
  close(): Promise<void>;
}

/**
 * Listens for `newHeads` over a WebSocket. What is announced is a hint that it is time to look, and nothing is read from it:
 * a server that lies, repeats itself or falls silent costs some looks at the chain, or the wait for the next poll.
 *
 * A connection that breaks is made anew, ever more rarely while that fails; nobody waits for it. Nothing is thrown.
 */
export function watchHeads(options: HeadSocketOptions): HeadSocket {
  const { log, firstPauseMs = 1_000, longestPauseMs = 60_000 } = options;
  // Paths and queries of such URLs often hold API keys.
  const { protocol, host } = new URL(options.url);
  const endpoint = `${protocol}//${host}`;
  const closing = new AbortController();

  async function run(): Promise<void> {
    let failures = 0;
    while (!closing.signal.aborted) {
      const heard = await listen(options, closing.signal, () => {
        if (failures > 0) log.info({ endpoint, failures }, "new heads are announced again");
        failures = 0;
      });
      if (closing.signal.aborted) return;
      failures += 1;
      options.onLost?.();
      const pauseMs = Math.min(firstPauseMs * 2 ** Math.min(failures - 1, 16), longestPauseMs);
      log[failures === 1 ? "warn" : "debug"](
        { code: "rpc/heads-lost", endpoint, failures, pauseMs, reason: heard },
        "new heads are not announced; the chain is polled, and the connection made anew",
      );
      await sleep(pauseMs, undefined, { signal: closing.signal }).catch(() => undefined);
    }
  }

  const running = run();
  return {
    async close() {
      closing.abort();
      await running;
    },
  };
}

/**
 * One connection, for as long as it lives.
 *
 * @param onFirst Called with the first head, which proves that the subscription works.
 * @returns why it ended.
 */
async function listen(
  { url, onHead, silentMs = 60_000 }: HeadSocketOptions,
  signal: AbortSignal,
  onFirst: () => void,
): Promise<string> {
  // It is made anew here and not by viem, which gives up after some attempts.
  const { value } = webSocket(url, { reconnect: false, retryCount: 0 })({ retryCount: 0 });
  if (value === undefined) return "the transport has no socket";
  let silence: NodeJS.Timeout | undefined;
  let isFirst = true;
  const ended = new Promise<string>((resolve) => {
    const end = (reason: string) => resolve(reason);
    const listenAgain = () => {
      clearTimeout(silence);
      silence = setTimeout(end, silentMs, `nothing was heard for ${silentMs} ms`);
    };
    signal.addEventListener("abort", () => end("closed"), { once: true });
    listenAgain();
    value
      .subscribe({
        params: ["newHeads"],
        onData() {
          if (isFirst) onFirst();
          isFirst = false;
          listenAgain();
          onHead();
        },
        onError: (error: unknown) => end(reasonOf(error)),
      })
      .catch((error: unknown) => end(reasonOf(error)));
  });
  const reason = await ended;
  clearTimeout(silence);
  // Out of viem's cache too, or the next connection would be this one.
  void value.getRpcClient().then(
    (client) => client.close(),
    () => undefined,
  );
  return reason;
}

function reasonOf(error: unknown): string {
  if (error instanceof Error) return error.message.split("\n")[0] as string;
  const { message } = (error ?? {}) as { message?: unknown };
  return typeof message === "string" ? message : "the connection failed";
}
