import type { Address, Hex } from "viem";
import type { AgreementTiming } from "../core/agreement.ts";
import type { ChainClock } from "../core/chainClock.ts";
import type { OracleScope } from "../core/messages.ts";
import type { PendingMessages } from "../core/pendingMessages.ts";
import type { RequestKey } from "../core/request.ts";
import type { AttesterKey } from "../keys/port.ts";
import type { ModelStore } from "../models/port.ts";
import type { Log } from "../observe/port.ts";
import type { Peers } from "../peers/port.ts";
import type { JobQueue } from "../queue/port.ts";
import type { Store } from "../store/port.ts";

/** What the stages act through; `main.ts` chooses the adapters. */
export interface PipelineDeps {
  scope: OracleScope;
  /** Our operator id. */
  me: number;
  store: Store;
  queue: JobQueue;
  models: ModelStore;
  peers: Peers;
  key: AttesterKey;
  /** The address that signed a digest; undefined for anything but a canonical 65-byte signature. */
  recover(digest: Hex, signature: Hex): Address | undefined;
  /** Messages about requests that we have not seen on chain yet. */
  pending: PendingMessages;
  /** What each open request waits for now; the driver writes down what lasts. */
  waiting: Map<RequestKey, string>;
  timing: AgreementTiming;
  log: Log;
  /** Unix milliseconds. */
  now(): number;
  clock: ChainClock;
  /** Has `advance` run for this request, now or at a time (Unix milliseconds). */
  wake(key: RequestKey, at?: number): void;
  /** Has the outbox looked at now. */
  pokeOutbox(): void;
  /** Has evidence and demands for openings looked at now. */
  pokeCourt(): void;
  /** Has a request that is proposed or over examined, once what is still under way has had time to arrive. */
  examineLater(key: RequestKey): void;
}
