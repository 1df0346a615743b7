import type { Address, Hex } from "viem";
import type { AgreementTiming } from "../core/agreement.ts";
import type { ChainClock } from "../core/chainClock.ts";
import type { Arbiter } from "../core/dispute.ts";
import type { KnownSigners } from "../core/knownSigners.ts";
import type { OracleScope } from "../core/messages.ts";
import type { PendingMessages } from "../core/pendingMessages.ts";
import type { RecentFaults } from "../core/recentFaults.ts";
import type { RequestKey } from "../core/request.ts";
import type { Workload } from "../core/workload.ts";
import type { AttesterKey } from "../keys/port.ts";
import type { ModelStore } from "../models/port.ts";
import type { Log } from "../observe/port.ts";
import type { Peers } from "../peers/port.ts";
import type { JobQueue } from "../queue/port.ts";
import type { Store } from "../store/port.ts";
import type { SpotChecks } from "./spotCheck.ts";

/** How this node looks again at what others proposed. */
export interface Watching {
  /** Part of the requests that are looked at, 0 to 1. */
  share: number;
  /** 32 bytes that only this key can make: they choose the sample. */
  seed: Hex;
  /** Whose requests: of any model, of those with these ids, or of models that we have a seat for. */
  serves: "any" | "our seats" | readonly Hex[];
  /** Most second looks in the queue at once. */
  maxRunning: number;
  /** Milliseconds before a window's end at which it is too late to begin, or to challenge. */
  marginMs: number;
  /** Wei of the account that pays bonds. */
  balance(): Promise<bigint>;
}

/** What the stages act through; `compose/` chooses the adapters. */
export interface PipelineDeps {
  scope: OracleScope;
  /** Our operator id; 0, which is nobody's, for a watcher that is no operator. */
  me: number;
  store: Store;
  queue: JobQueue;
  models: ModelStore;
  peers: Peers;
  key: AttesterKey;
  /** The address that signed a digest; undefined for anything but a canonical 65-byte signature. */
  recover(digest: Hex, signature: Hex): Address | undefined;
  /** Who signed what was said last. */
  knownSigners: KnownSigners;
  /** Messages about requests that we have not seen on chain yet. */
  pending: PendingMessages;
  /** What each open request waits for now; the driver writes down what lasts. */
  waiting: Map<RequestKey, string>;
  /** A jury that the oracle lists, by what requests name it by, or by its address. */
  arbiterOf(which: number | Address): Arbiter | null;
  /** Null on a node that watches nothing. */
  watch: Watching | null;
  /** The jobs that were taken and have not ended; says whether there is room for another. */
  workload: Workload;
  /** How we check our workers; not at all when left out. */
  spotChecks?: SpotChecks | undefined;
  timing: AgreementTiming;
  /** What was wrong and belongs to no request; shown by the status. */
  recentFaults: RecentFaults;
  log: Log;
  /** Unix milliseconds. */
  now(): number;
  clock: ChainClock;
  /** Has `advance` run for this request, now or at a time (Unix milliseconds). */
  wake(key: RequestKey, at?: number): void;
  /** Has the outbox looked at now. */
  pokeOutbox(): void;
  /** Has the second looks that wait looked at now. */
  pokeWatch(): void;
  /** Has evidence and demands for openings looked at now. */
  pokeCourt(): void;
  /** Has a request that is proposed or over examined, once what is still under way has had time to arrive. */
  examineLater(key: RequestKey): void;
}
