/** An operator's, or a watcher's, running software. */
export interface Coprocessor {
  /** 0 for a watcher. */
  operatorId: number;
  statusUrl: string;
  /** Addresses that peers can dial. */
  addresses: string[];
  /** Resolves never, or rejects with what made going on impossible. */
  failed: Promise<never>;
  /** Takes nothing new and finishes what is under way, as long as `drainTimeoutMs` allows; false when that was not enough. */
  drain(): Promise<boolean>;
  /** As `DRAIN_TIMEOUT_MS` says now. */
  readonly drainTimeoutMs: number;
  /** Takes over what may change while the node runs; says in the log what did, and what takes a restart. */
  reload(variables: Record<string, string | undefined>): void;
  /** Closes everything, in order. */
  stop(): Promise<void>;
}
