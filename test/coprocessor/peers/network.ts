import type { PeerMessage } from "../../../coprocessor/core/messages.ts";
import type { Log } from "../../../coprocessor/observe/port.ts";
import type { Peers, Verdict } from "../../../coprocessor/peers/port.ts";
import { collectedLog } from "../collectedLog.ts";

/** Waits for a condition and fails naming it. */
export async function until(what: string, holds: () => boolean, timeoutMs = 15_000): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Does something again and again until a condition holds: what a sender does whose message was not answered. */
export async function repeatUntil(
  what: string,
  act: () => Promise<void>,
  holds: () => boolean,
): Promise<void> {
  const end = performance.now() + 15_000;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`repeated for 15 s in vain: ${what}`);
    await act();
    await until("", holds, 150).catch(() => {});
  }
}

/** A node under test with what its handler heard. */
export interface Listener {
  peers: Peers;
  heard: PeerMessage[];
  log: ReturnType<typeof collectedLog>;
  /** How often the handler heard an equal message. */
  times(message: PeerMessage): number;
}

export async function listening(
  create: (log: Log) => Peers,
  judge: (message: PeerMessage) => Verdict = () => "accept",
): Promise<Listener> {
  const log = collectedLog();
  const peers = create(log);
  const heard: PeerMessage[] = [];
  await peers.start(async (message) => {
    heard.push(message);
    return judge(message);
  });
  const times = (message: PeerMessage) =>
    heard.filter((m) => JSON.stringify(m) === JSON.stringify(message)).length;
  return { peers, heard, log, times };
}
