import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Config } from "../config.ts";
import type { CatchUp } from "../core/catchUp.ts";
import type { ChainClock } from "../core/chainClock.ts";
import { CoprocessorError } from "../core/errors.ts";
import { type MemoryBeginning, tooYoungForMs } from "../core/memory.ts";
import { Pulse } from "../core/pulse.ts";
import { clockFault, notReadyReasons } from "../core/readiness.ts";
import type { Workload } from "../core/workload.ts";
import type { Log } from "../observe/port.ts";
import type { NodeHealth } from "../observe/statusServer.ts";
import type { Peers } from "../peers/port.ts";
import type { BalanceAlarm } from "../pipeline/balanceAlarm.ts";
import type { JobQueue } from "../queue/port.ts";
import type { Store } from "../store/port.ts";

export interface LifecycleParts {
  live: { current: Config };
  /** Endpoints that work, how many must agree, and how far servers' clocks are ahead of ours. */
  rpcHealth(): { usable: number; needed: number; serversAheadMs: readonly number[] };
  store: Store;
  queue: JobQueue;
  peers: Peers;
  clock: ChainClock;
  workload: Workload;
  balanceAlarm: BalanceAlarm;
  synced(): boolean;
  progress(): CatchUp | null;
  memory(): MemoryBeginning | null;
  /** Registered operators beside us. */
  others(): number;
  log: Log;
}

/** Whether the node lives, and whether it can serve. */
export interface Lifecycle {
  /** Loops say here that they turn. */
  readonly pulse: Pulse;
  health(): NodeHealth;
  /** As of now, but for the queue and the store, which were asked in the last seconds. */
  readiness(): { ready: boolean; reasons: string[] };
  /** Asks the queue and the store; done every few seconds anyway. */
  probe(): Promise<void>;
  stop(): void;
}

/** Longer than the outbox's longest rest. */
const LATE_MS = 90_000;
/** What held the process up this long lately makes it unhealthy: peers and workers take it for dead. */
const BLOCKED_MS = 10_000;
/** How often the node looks at itself; also how long a blocked event loop is remembered. */
const WATCH_MS = 5_000;
/** Who has not answered by then is down for those who ask; less would take a busy machine for a broken one. */
const ASK_MS = 5_000;

/** Watches the node's parts and logs when it becomes ready and when it no longer is. */
export function watchLifecycle(parts: LifecycleParts): Lifecycle {
  const pulse = new Pulse(LATE_MS);
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  let longestDelayMs = 0;
  let heardAt = Date.now();
  let lastCodes = "";
  let faults: { queueFault: string | null; storeFault: string | null } = {
    queueFault: null,
    storeFault: null,
  };

  async function probe(): Promise<void> {
    const [queueFault, storeFault] = await Promise.all([
      faultOf(parts.queue.counts(), "queue/unavailable: the queue does not answer"),
      faultOf(parts.store.check(), "store/unavailable: the database does not answer"),
    ]);
    faults = { queueFault, storeFault };
  }

  function readiness() {
    const { live, clock, peers, log } = parts;
    const now = Date.now();
    const connected = peers.connected();
    if (connected > 0) heardAt = now;
    const { usable, needed, serversAheadMs } = parts.rpcHealth();
    const memory = parts.memory();
    const reasons = notReadyReasons({
      ...faults,
      draining: parts.workload.draining,
      synced: parts.synced(),
      progress: parts.progress(),
      tooYoungForMs: memory === null ? 0 : tooYoungForMs(memory, clock.now(now)),
      rpc: { usable, needed },
      balanceFault: parts.balanceAlarm.reason(),
      clockFault: clockFault(
        { serversAheadMs, chainAheadMs: clock.liveAheadMs },
        live.current.operations.maxClockSkewMs,
      ),
      peers: { others: parts.others(), connected, aloneForMs: now - heardAt },
    });
    const codes = reasons.map((reason) => reason.split(":")[0]).join(" ");
    if (codes !== lastCodes) {
      if (reasons.length > 0) log.warn({ reasons }, "not ready");
      else log.info({}, "ready");
      lastCodes = codes;
    }
    return { ready: reasons.length === 0, reasons };
  }

  let watching = false;
  const timer = setInterval(async () => {
    longestDelayMs = delay.max / 1e6;
    delay.reset();
    if (watching) return;
    watching = true;
    await probe();
    readiness();
    watching = false;
  }, WATCH_MS);
  timer.unref();

  return {
    pulse,
    readiness,
    probe,
    health() {
      const now = Date.now();
      const eventLoopDelayMs = Math.round(Math.max(longestDelayMs, delay.max / 1e6));
      const stuck = pulse.late(now).map((name) => `loop/stuck: ${name} has not turned for ${LATE_MS} ms`);
      if (eventLoopDelayMs > BLOCKED_MS)
        stuck.push(`loop/blocked: the event loop stood still for ${eventLoopDelayMs} ms`);
      return { ok: stuck.length === 0, faults: stuck, eventLoopDelayMs, loopsMs: pulse.ages(now) };
    },
    stop() {
      clearInterval(timer);
      delay.disable();
    },
  };
}

/** What an attempt failed with, as `code: message`; null when it did not. */
async function faultOf(attempt: Promise<unknown>, silent: string): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`${silent} within ${ASK_MS} ms`), ASK_MS);
  });
  const answered = attempt.then(
    () => null,
    (error: unknown) =>
      error instanceof CoprocessorError ? `${error.code}: ${error.message}` : `${silent}: ${String(error)}`,
  );
  try {
    return await Promise.race([answered, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
