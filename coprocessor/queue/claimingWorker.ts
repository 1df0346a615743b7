import {
  createRedisBackend,
  type Job,
  type JobJson,
  type Processor,
  type RedisQueueBackend,
  raw2NextJobData,
  Worker,
  type WorkerOptions,
} from "bullmq";
import { CLAIM } from "./claimScript.ts";

/** What BullMQ's backends tell of the next job: itself, its id, milliseconds of a limit, and when to look again. */
type Next = Awaited<ReturnType<RedisQueueBackend["moveToActive"]>>;

/** Of what waits: a worker with much room leaves something to its neighbours. */
const SHARE = 0.5;

export interface ClaimingOptions {
  /** Whether jobs take so little that sharing them costs more than it saves. */
  areShort(): boolean;
}

interface Claimed {
  data: JobJson;
  id: string;
  /** What its lock says. */
  token: string;
}

/**
 * A BullMQ worker on Redis that takes with one command as many jobs as it has room for.
 *
 * BullMQ's takes one, waits for it, and asks for the next: jobs that were added together come one by one, and each is a
 * batch of its own. Here they come together. Everything else is BullMQ's: what was claimed waits in this process, in its
 * order, for the same loop to ask for it, and is asked for before anything else is awaited.
 */
export class ClaimingWorker extends Worker {
  readonly #claimed: Claimed[] = [];
  /** Tokens of those that are on their way from `#claimed` into the loop. */
  readonly #tokens = new Map<string, string>();
  /** Jobs in the loop. */
  #held = 0;
  /** That there was nothing more, for the rest of the turn in which it was said. */
  #nothingMore: Next | null = null;

  readonly #areShort: () => boolean;

  constructor(name: string, processor: Processor, options: WorkerOptions & ClaimingOptions) {
    const { areShort, ...others } = options;
    super(name, processor, others, createRedisBackend);
    this.#areShort = areShort;
    this.backend.moveToActive = (token) => this.#next(token);
  }

  /** Only the last job asks for the next one when it ends; else the loop asks, and for all that have ended by then. */
  override async processJob(job: Job, token: string, mayFetch = () => true): Promise<Job | undefined> {
    try {
      return (await super.processJob(job, token, () => this.#held === 1 && mayFetch())) ?? undefined;
    } finally {
      this.#held -= 1;
    }
  }

  override async pause(doNotWaitActive?: boolean): Promise<void> {
    const paused = super.pause(doNotWaitActive);
    await this.#giveBack();
    await paused;
  }

  override async close(force?: boolean): Promise<void> {
    const closed = super.close(force);
    await this.#giveBack();
    await closed;
  }

  protected override nextJobFromJobData(data?: JobJson, id?: string, token?: string): Promise<Job> {
    // A job that ended found no next one: whoever believed that nothing waits would wait for what is here already.
    const next = data === undefined || data === null ? this.#take() : { data, id, token };
    if (next === undefined) return super.nextJobFromJobData();
    this.#held += 1;
    const own = this.#tokens.get(next.id as string);
    this.#tokens.delete(next.id as string);
    return super.nextJobFromJobData(next.data, next.id, own ?? next.token);
  }

  async #next(token: string): Promise<Next> {
    const [first] = this.#claimed;
    if (first === undefined && this.#nothingMore === null) await this.#claim(token);
    const next = this.#take();
    if (next !== undefined) {
      this.#tokens.set(next.id, next.token);
      return [next.data, next.id, 0, 0] as unknown as Next;
    }
    const nothing = this.#nothingMore ?? ([] as unknown as Next);
    this.#nothingMore = null;
    return nothing;
  }

  #take(): Claimed | undefined {
    return this.#claimed.shift();
  }

  async #claim(token: string): Promise<void> {
    const { keys } = this.backend;
    const names = ["wait", "active", "prioritized", "events", "stalled", "limiter", "delayed", "paused"];
    const room = Math.max(1, this.concurrency - this.#held);
    const tokens = Array.from({ length: room }, (_, at) => (at === 0 ? token : `${token}:${at}`));
    const raws = (await this.backend.execCommand(await this.backend.client, CLAIM, [
      ...[...names, "meta", "pc", "marker"].map((name) => keys[name]),
      ...[keys[""], Date.now(), this.opts.lockDuration, this.#areShort() ? 1 : SHARE],
      ...tokens,
    ])) as unknown[][];
    for (const [at, raw] of raws.entries()) {
      const next = raw2NextJobData(raw) as unknown as Next;
      const [data, id] = next;
      if (data) this.#claimed.push({ data, id: id as string, token: tokens[at] as string });
      else this.#sayNothingMore(next);
    }
    // The loop has ended, or is about to: it asks for no second one.
    if (this.closing !== undefined || this.paused) await this.#giveBack(1);
  }

  #sayNothingMore(next: Next): void {
    this.#nothingMore = next;
    setImmediate(() => {
      this.#nothingMore = null;
    });
  }

  /** For other workers. Where the server is away, their locks run out by themselves. @param kept Of the first ones. */
  async #giveBack(kept = 0): Promise<void> {
    await Promise.allSettled(
      this.#claimed.splice(kept).map(({ id, token }) => this.backend.moveJobFromActiveToWait(id, token)),
    );
  }
}
