import type { Takings } from "../core/economics.ts";
import type { OutboxEntry, OutboxKind, OutboxRules, OutboxView } from "../core/outbox.ts";
import type { RequestKey } from "../core/request.ts";
import type { Log } from "../observe/port.ts";
import type { NonceHolder, Store } from "../store/port.ts";
import type { TransactionSender } from "../submit/port.ts";

/** What is worth sending, by the operator's rules as they are now. */
export interface OutboxEconomics {
  /** What a transaction brings us; null for one that is sent whatever it costs, up to its cap. */
  takings(entry: OutboxEntry): Promise<Takings | null>;
  minProfitWei(): bigint;
  /** Milliseconds that a settlement may wait for others to share a transaction with. */
  batchWindowMs(): number;
}

export interface OutboxDeps {
  store: Store;
  submit: TransactionSender;
  log: Log;
  /** Whether our row says that a transaction of this kind can still matter. */
  isNeeded(key: RequestKey, kind: OutboxKind): Promise<boolean>;
  /** Without it every entry is sent alone, at any price up to its cap. */
  economics?: OutboxEconomics;
  /** Called when the reason why an entry waits has changed. */
  onHeld?(key: RequestKey): void;
  /** Told about the account at each look; for the balance alarm. */
  onAccount?(account: Account): void;
  rules?: OutboxRules;
}

/** The account's standing, read once for all entries of one drive. */
export interface Account {
  latestNonce: number;
  market: OutboxView["market"];
  /** Wei. */
  balance: bigint;
  /** Entries that hold a nonce, by id: read once, and kept up with what is signed and closed meanwhile. */
  signed: Map<string, OutboxEntry>;
  /** What other oracles of this node hold of the same account, as it was when the drive began. */
  beside: readonly NonceHolder[];
}
