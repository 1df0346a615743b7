import type { Chain, ChainStep } from "../chain/port.ts";
import type { BlockRef } from "../core/block.ts";
import { type CatchUp, catchUpAt, catchUpText } from "../core/catchUp.ts";
import { CoprocessorError } from "../core/errors.ts";
import { type MemoryBeginning, memoryBeginsAt } from "../core/memory.ts";
import type { OperatorRecord } from "../core/operators.ts";
import type { RequestKey } from "../core/request.ts";
import type { PipelineDeps } from "./deps.ts";
import { onStep } from "./onStep.ts";

export interface FollowChainHooks {
  /** Called once, when all that the chain said before our start is stored. */
  resume(): Promise<void>;
  /** `live` is false for blocks that were there before we started: their time says little about now. */
  onHead(block: BlockRef, live: boolean): void;
  /** Called when operators or their endpoints may have changed. */
  onOperators(operators: OperatorRecord[]): void;
}

export interface ChainFollowing {
  synced(): boolean;
  /** How far it is; null before the chain was read, and once it has caught up. */
  progress(): CatchUp | null;
  /** Null before it was read or begun. */
  memory(): MemoryBeginning | null;
  /** Rejects with what made following impossible, a reorg deeper than finality for one. */
  failed: Promise<never>;
  stop(): Promise<void>;
}

/** Milliseconds until a step that could not be stored is tried again. */
const RETRY_MS = 1_000;
/** Milliseconds between lines about how far we are. */
const PROGRESS_MS = 2_000;

/**
 * Takes the chain's steps into the store, for ever.
 *
 * Until it has caught up nothing is acted on: what an old block opened, a later one may have settled.
 */
export function followChain(deps: PipelineDeps, chain: Chain, hooks: FollowChainHooks): ChainFollowing {
  const stopping = new AbortController();
  const { signal } = stopping;
  let synced = false;
  let progress: CatchUp | null = null;
  let memory: MemoryBeginning | null = null;
  const pipeline: PipelineDeps = {
    ...deps,
    wake: (key, at) => (synced ? deps.wake(key, at) : undefined),
    // Looking for the jobs of a week's closed requests costs more than reading the week. One that is really left over
    // is too late for its deadline, and goes when the worker says so.
    queue: {
      add: (job) => deps.queue.add(job),
      onOutcome: (handler) => deps.queue.onOutcome(handler),
      remove: async (key) => (synced ? deps.queue.remove(key) : undefined),
      counts: () => deps.queue.counts(),
      depths: () => deps.queue.depths(),
      jobs: (limit) => deps.queue.jobs(limit),
      close: () => deps.queue.close(),
    },
  };

  async function store(step: ChainStep): Promise<void> {
    const touched = new Set<RequestKey>();
    while (!signal.aborted) {
      try {
        return await onStep(pipeline, step, touched);
      } catch (error) {
        deps.log.error(
          { err: error, step: step.type },
          "a step of the chain could not be stored; trying again",
        );
        await pause(RETRY_MS, signal);
      }
    }
  }

  async function run(): Promise<void> {
    const known = await deps.store.blocks();
    const target = await firstHead();
    if (target === null) return;
    memory = await deps.store.memory();
    if (memory === null) {
      memory = await deps.store.beginMemory(memoryBeginsAt(target, deps.now()));
      deps.log.info({ ...memory }, "this node's memory begins");
    }
    hooks.onOperators(await deps.store.operators());
    const last = known.at(-1);
    if (last !== undefined && last.hash === target.hash) await caughtUp(last);
    const startedAt = deps.now();
    let toldAt = startedAt;
    let from: bigint | null = null;
    const tell = (at: bigint) => {
      from ??= at;
      progress = catchUpAt({ from, at, target: target.number }, deps.now() - startedAt);
      if (deps.now() - toldAt < PROGRESS_MS) return;
      toldAt = deps.now();
      deps.log.info(
        { block: at, target: target.number, ...progress },
        `catching up: ${catchUpText(progress)}`,
      );
    };
    for await (const step of chain.follow(known, signal)) {
      await store(step);
      if (step.type === "reorg") hooks.onOperators(await deps.store.operators());
      if (step.type !== "blocks") continue;
      if (!synced) tell(step.head.number);
      hooks.onHead(step.head, synced);
      if (step.events.some(({ type }) => type === "OperatorRegistered" || type === "EndpointChanged")) {
        hooks.onOperators(await deps.store.operators());
      }
      if (!synced && step.head.number >= target.number) await caughtUp(step.head);
    }
  }

  /** Null when we are stopped before any endpoint tells. */
  async function firstHead(): Promise<BlockRef | null> {
    while (!signal.aborted) {
      try {
        return await chain.head();
      } catch (error) {
        if (!(error instanceof CoprocessorError) || error.retry === "never") throw error;
        deps.log.warn({ code: error.code, reason: error.message }, "the chain's head cannot be read yet");
        await pause(RETRY_MS, signal);
      }
    }
    return null;
  }

  async function caughtUp(head: BlockRef): Promise<void> {
    hooks.onHead(head, false);
    synced = true;
    progress = null;
    deps.log.info({ head: head.number }, "caught up with the chain");
    await hooks.resume();
  }

  const running = run();
  const failed = new Promise<never>((_, reject) => {
    running.catch((error: unknown) => {
      if (!signal.aborted) reject(error);
    });
  });
  failed.catch(() => undefined);
  return {
    synced: () => synced,
    progress: () => progress,
    memory: () => memory,
    failed,
    async stop() {
      stopping.abort();
      await running.catch(() => undefined);
    },
  };
}

/** Ends early when `signal` aborts. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}
