import type { Address, Hex } from "viem";
import type { BlockRef } from "../core/block.ts";
import type { EvidenceKind, EvidenceProof, EvidenceSummary, Offence, SlashRecord } from "../core/evidence.ts";
import type { MemoryBeginning } from "../core/memory.ts";
import type { PeerMessage } from "../core/messages.ts";
import type { DemandRecord, DemandState } from "../core/opening.ts";
import type { EnrolmentRecord, ModelRecord, OperatorRecord } from "../core/operators.ts";
import type { OutboxEntry, OutboxState } from "../core/outbox.ts";
import type { Receipt, ReceiptSummary } from "../core/receipt.ts";
import type { RequestKey, RequestRecord, RequestState } from "../core/request.ts";
import type { Statement } from "../core/statement.ts";
import type { WatchRecord, WatchState } from "../core/watch.ts";

/** A peer's message about one request. `seq` is the order of arrival here; it may change until the message is stored, the order not. */
export interface StoredPeerMessage {
  seq: number;
  message: PeerMessage;
  /** Unix milliseconds. */
  receivedAt: number;
}

export type RequestPatch = Partial<
  Pick<
    RequestRecord,
    | "reason"
    | "output"
    | "outputHash"
    | "proposed"
    | "proposedBlock"
    | "challengedBlock"
    | "disputeId"
    | "verdict"
    | "closedBlock"
    | "closedTransaction"
    | "settledOutput"
    | "callbackFailed"
  >
>;

/** A signed transaction that has no place in a block yet, and what it can cost at most. */
export interface NonceHolder {
  id: string;
  nonce: number;
  maxWei: bigint;
}

/** What is written about one request at once; each part may be left out. */
export interface RequestWrite {
  key: RequestKey;
  /** Stored unless its slot is taken; what stands in the slot then is heard as our own word, before the others'. */
  statement?: Statement;
  /** Added in this order. */
  heard?: readonly Omit<StoredPeerMessage, "seq">[];
  /** Compare and set: changes the row only while it is in one of `from`. */
  move?: { from: readonly RequestState[]; to: RequestState; patch?: RequestPatch };
  /** With a move: only if that took place. */
  receipt?: Receipt;
}

/** What came of a `RequestWrite`. */
export interface RequestWritten {
  /** What stands in the statement's slot, and only that may be sent; null without a statement. */
  statement: Statement | null;
  /** For the statement, if there is one, and each message: null when it was known. */
  heard: (StoredPeerMessage | null)[];
  /** The row after the move; null when it did not take place. */
  record: RequestRecord | null;
}

/** How the chain ended a demand for an opening. */
export interface DemandClosing {
  state: Exclude<DemandState, "pending">;
  closedBlock: bigint;
  /** Null for one that was opened. */
  amountWei: bigint | null;
  rewardWei: bigint | null;
}

/** How much a store holds. */
export interface StoreFigures {
  /** Rows by state, of requests that are not over; states without a row are left out. */
  requests: Partial<Record<RequestState, number>>;
  /** Of the whole database on disk, the queue's tables included where they share it. */
  bytes: number;
}

/** What is held against operators, ours included, and what became of it. */
export interface EvidenceStore {
  /** False for what is known, and for more than `MAX_EVIDENCE_PER_OPERATOR` rows that contracts judge. */
  add(key: RequestKey, proof: EvidenceProof): Promise<boolean>;
  find(id: Hex): Promise<EvidenceProof | null>;
  /** The latest first. */
  list(filter: {
    operatorId?: number;
    kind?: EvidenceKind;
    offences?: readonly Offence[];
    limit: number;
  }): Promise<EvidenceSummary[]>;

  /** The earliest proof of equivocation against each operator that was not slashed yet; 64 operators at most. */
  reportable(): Promise<EvidenceSummary[]>;

  /** Replaces what an earlier block said about the demand; our own notes stay. */
  putDemand(record: DemandRecord): Promise<void>;
  demand(demandId: Hex): Promise<DemandRecord | null>;
  /** The latest deadline first. */
  demands(filter: { states: readonly DemandState[]; limit: number }): Promise<DemandRecord[]>;
  /** False for a demand that is not kept. */
  closeDemand(demandId: Hex, closing: DemandClosing): Promise<boolean>;
  noteDemand(demandId: Hex, note: Partial<Pick<DemandRecord, "output" | "parkedReason">>): Promise<void>;

  putSlash(record: SlashRecord, block: bigint): Promise<void>;
  /** Null for an operator that never was. */
  slash(operatorId: number): Promise<SlashRecord | null>;
}

/**
 * An operator's own memory about one oracle.
 *
 * Implementations: `drizzleStore` on PGlite (embedded) and on PostgreSQL; one conformance suite. Deliberately
 * excluded: decisions. Chain-derived rows carry the block that said so, so that `rewind` can take them back.
 */
export interface Store {
  /** All or nothing. Nested calls join the outer transaction. */
  transaction<T>(work: (store: Store) => Promise<T>): Promise<T>;

  /**
   * All or nothing. Outside of a transaction, what is written about many requests at the same time goes together, in few
   * statements; one that fails does not hold up the others.
   */
  write(write: RequestWrite): Promise<RequestWritten>;

  /** Null until `beginMemory`. */
  memory(): Promise<MemoryBeginning | null>;
  /** Writes down, once, where this memory begins. @returns what stands there: an earlier call's word stays. */
  beginMemory(began: MemoryBeginning): Promise<MemoryBeginning>;

  /** Heads of stored steps, oldest first. */
  blocks(): Promise<BlockRef[]>;
  addBlock(block: BlockRef): Promise<void>;
  /**
   * Takes back what blocks after `ancestor` said: requests and disputes opened there are deleted, those closed there are
   * open again in the state that their statements, or a proposal or challenge that stays, imply; registry rows return to
   * their earlier values.
   * @returns keys of requests that were deleted or reopened.
   */
  rewind(ancestor: bigint): Promise<RequestKey[]>;
  /** Forgets block heads before `block`, keeping the newest of them. */
  prune(block: bigint): Promise<void>;

  /** False when the key is known already; the row is then left as it is. */
  insertRequest(record: RequestRecord): Promise<boolean>;
  /** As `insertRequest` for each, in fewer statements; keys must differ. @returns those that were not known. */
  insertRequests(records: readonly RequestRecord[]): Promise<RequestKey[]>;
  request(key: RequestKey): Promise<RequestRecord | null>;
  requests(filter: {
    keys?: readonly RequestKey[];
    states?: readonly RequestState[];
    /** Both when left out. */
    about?: "requests" | "disputes";
    /** Most rows, newest first when `newestFirst`, else by deadline. */
    limit?: number;
    newestFirst?: boolean;
  }): Promise<RequestRecord[]>;
  /** Compare and set: changes the row only while it is in one of `from`, and returns it; null when it is not. */
  transition(
    key: RequestKey,
    from: readonly RequestState[],
    to: RequestState,
    patch?: RequestPatch,
  ): Promise<RequestRecord | null>;
  /** As `transition` for each key, all with one patch. @returns keys of the rows that it changed. */
  transitionAll(
    keys: readonly RequestKey[],
    from: readonly RequestState[],
    to: RequestState,
    patch?: RequestPatch,
  ): Promise<RequestKey[]>;

  statements(key: RequestKey): Promise<Statement[]>;
  /** Those of the requests that we said anything about. */
  spokenAbout(keys: readonly RequestKey[]): Promise<RequestKey[]>;

  /** Null for one that is known. The first message per (request, kind, operator, view) and, for a conflicting second one, that too, as evidence. */
  addPeerMessage(
    key: RequestKey,
    message: PeerMessage,
    receivedAt: number,
  ): Promise<StoredPeerMessage | null>;
  /**
   * As `write` with these messages, and the caller need not wait until they are stored: they may be known from memory before.
   * What is written about the request afterwards is stored no earlier than they are, and fails if they cannot be. A process
   * that dies at once has forgotten them; their senders repeat.
   *
   * @returns for each what is known of it now, or null when it was known.
   */
  hear(
    key: RequestKey,
    heard: readonly Omit<StoredPeerMessage, "seq">[],
  ): Promise<(StoredPeerMessage | null)[]>;
  /** In order of arrival. A reveal is kept without the commitments that it carries: each is a message of its own. */
  peerMessages(key: RequestKey): Promise<StoredPeerMessage[]>;

  /** Replaces an earlier one of the request; stays whatever the chain does, because the job did run. */
  putReceipt(key: RequestKey, receipt: Receipt): Promise<void>;
  receipt(key: RequestKey): Promise<Receipt | null>;
  /** The latest first. */
  receipts(limit: number): Promise<ReceiptSummary[]>;

  /** Replaces an earlier one of the request; stays whatever the chain does. */
  putWatch(record: WatchRecord): Promise<void>;
  watch(key: RequestKey): Promise<WatchRecord | null>;
  /** The window that ends first comes first. */
  watches(filter: { states: readonly WatchState[]; limit: number }): Promise<WatchRecord[]>;
  readonly evidence: EvidenceStore;

  putOperator(record: OperatorRecord, block: bigint): Promise<void>;
  operator(operatorId: number): Promise<OperatorRecord | null>;
  operatorByAttester(attester: Address): Promise<OperatorRecord | null>;
  operators(): Promise<OperatorRecord[]>;
  putEnrolment(record: EnrolmentRecord, block: bigint): Promise<void>;
  /** Seats of a model with a weight above 0. */
  enrolments(modelId: Hex): Promise<EnrolmentRecord[]>;
  /** Whether an operator has a seat with a weight above 0, for any model. */
  holdsSeat(operatorId: number): Promise<boolean>;
  putModel(record: ModelRecord, block: bigint): Promise<void>;
  model(modelId: Hex): Promise<ModelRecord | null>;

  /** False when an entry with this id exists. */
  insertOutbox(entry: OutboxEntry): Promise<boolean>;
  outbox(filter: { states: readonly OutboxState[] }): Promise<OutboxEntry[]>;
  outboxFor(key: RequestKey): Promise<OutboxEntry[]>;
  /** Writes the entry back if it is still in state `from`; what it is about and its calldata stay as they were planned. */
  updateOutbox(entry: OutboxEntry, from: OutboxState): Promise<boolean>;
  /** As `updateOutbox` for each, in one statement; ids must differ. @returns for each whether it was written. */
  updateOutboxAll(entries: readonly OutboxEntry[], from: OutboxState): Promise<boolean[]>;
  /** Lowest nonce never given to an entry of the account, at least `floor`. */
  nextNonce(floor: number): Promise<number>;
  /** Signed transactions of other oracles that the node serves with the same account; none where it serves no other. */
  nonceHoldersBeside(): Promise<NonceHolder[]>;

  /**
   * Removes requests whose deadline is before `before` (Unix seconds) and that are over and final, with all that belongs to
   * them, at most `limit` at once. Keeps what a reorg could reopen, what a transaction is still about, and evidence.
   * @returns How many; fewer than `limit` when nothing is left to remove.
   */
  forgetClosed(age: { before: number; limit: number }): Promise<number>;
  /** Takes back all that the chain said; keeps what was signed, heard, run and sent. The chain is then read from its start. */
  forgetChain(): Promise<{ requests: number; blocks: number }>;

  /** How much there is. */
  figures(): Promise<StoreFigures>;
  /** Resolves when it could be written to now; throws what a write would. */
  check(): Promise<void>;
  close(): Promise<void>;
}
