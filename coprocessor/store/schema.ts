import {
  bigint,
  bigserial,
  boolean,
  index,
  integer,
  jsonb,
  numeric,
  pgSchema,
  primaryKey,
  smallint,
  text,
  uniqueIndex,
} from "drizzle-orm/pg-core";
import type { Address, Hex } from "viem";
import type { Verdict } from "../core/dispute.ts";
import type { PeerMessage } from "../core/messages.ts";
import type { OutboxKind, OutboxState } from "../core/outbox.ts";
import type { Receipt } from "../core/receipt.ts";
import type { RequestState } from "../core/request.ts";
import type { WatchState } from "../core/watch.ts";

/*
 * The tables as queries see them; `migrations/` makes them, and a test holds the two equal.
 *
 * Everything lives in one schema and is always named with it, because an embedded database shares its session, and so
 * its search_path, with the queue. Hex is text, as logs and SQL prompts show it; uint256 is numeric.
 */
export const sibyl = pgSchema("sibyl");

const hex = (name: string) => text(name).$type<Hex>();
const address = (name: string) => text(name).$type<Address>();
const uint256 = (name: string) => numeric(name, { precision: 78, scale: 0, mode: "bigint" });
const blockNumber = (name: string) => bigint(name, { mode: "bigint" });
const time = (name: string) => bigint(name, { mode: "number" });

/** A proposal as JSON holds it: big numbers as decimal strings. */
export interface StoredProposal {
  outputHash: Hex;
  signers: string;
  submitterId: number;
  proposedAt: number;
  gasOwed: string;
  output: Hex;
}

/** A disputed proposal as JSON holds it. */
export interface StoredDispute {
  requestId: Hex;
  arbiter: Address;
  challenger: Address;
  challengedBlock: number;
  challengedAt: number;
  proposed: StoredProposal;
}

export const blocks = sibyl.table("block", {
  number: blockNumber("number").primaryKey(),
  hash: hex("hash").notNull(),
  parentHash: hex("parent_hash").notNull(),
  timestamp: time("timestamp").notNull(),
});

export const requests = sibyl.table(
  "request",
  {
    key: text("key").primaryKey(),
    chainId: time("chain_id").notNull(),
    oracle: address("oracle").notNull(),
    requestId: hex("request_id").notNull(),
    modelId: hex("model_id").notNull(),
    inputHash: hex("input_hash").notNull(),
    terms: uint256("terms").notNull(),
    opening: uint256("opening").notNull(),
    funds: uint256("funds").notNull(),
    input: hex("input").notNull(),
    deadline: time("deadline").notNull(),
    openedBlock: blockNumber("opened_block").notNull(),
    openedBlockHash: hex("opened_block_hash").notNull(),
    openedTransaction: hex("opened_transaction").notNull(),
    state: text("state").$type<RequestState>().notNull(),
    reason: text("reason"),
    output: hex("output"),
    outputHash: hex("output_hash"),
    closedBlock: blockNumber("closed_block"),
    closedTransaction: hex("closed_transaction"),
    settledOutput: hex("settled_output"),
    callbackFailed: boolean("callback_failed").notNull(),
    createdAt: time("created_at").notNull(),
    updatedAt: time("updated_at").notNull(),
    /** A reorg took the request away after we had signed for it: kept for its output, shown to nobody. */
    removed: boolean("removed").notNull().default(false),
    proposed: jsonb("proposed").$type<StoredProposal>(),
    proposedBlock: blockNumber("proposed_block"),
    dispute: jsonb("dispute").$type<StoredDispute>(),
    challengedBlock: blockNumber("challenged_block"),
    disputeId: hex("dispute_id"),
    verdict: text("verdict").$type<Verdict>(),
  },
  (table) => [
    index("request_by_deadline").on(table.state, table.deadline),
    index("request_by_opened_block").on(table.openedBlock),
    index("request_by_closed_block").on(table.closedBlock),
    index("request_by_proposed_block").on(table.proposedBlock),
    index("request_by_challenged_block").on(table.challengedBlock),
  ],
);

export const statements = sibyl.table(
  "statement",
  {
    key: text("key").notNull(),
    slot: text("slot").notNull(),
    message: jsonb("message").$type<PeerMessage>().notNull(),
    createdAt: time("created_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.key, table.slot] })],
);

export const peerMessages = sibyl.table(
  "peer_message",
  {
    seq: bigserial("seq", { mode: "number" }).primaryKey(),
    key: text("key").notNull(),
    kind: text("kind").$type<PeerMessage["kind"]>().notNull(),
    operatorId: time("operator_id").notNull(),
    /** 0 for kinds without views. */
    view: time("view").notNull(),
    /** 0 for the first, 1 for a second one that says something else. */
    ordinal: smallint("ordinal").notNull(),
    /** What it says, without the signature. */
    digest: text("digest").notNull(),
    message: jsonb("message").$type<PeerMessage>().notNull(),
    receivedAt: time("received_at").notNull(),
  },
  (table) => [
    uniqueIndex("peer_message_slot").on(table.key, table.kind, table.operatorId, table.view, table.ordinal),
    uniqueIndex("peer_message_digest").on(table.key, table.kind, table.operatorId, table.view, table.digest),
  ],
);

/** Registry rows are never changed: each block that says something new adds a version; the highest block counts. */
export const operatorVersions = sibyl.table(
  "operator_version",
  {
    operatorId: time("operator_id").notNull(),
    block: blockNumber("block").notNull(),
    owner: address("owner").notNull(),
    attester: address("attester").notNull(),
    endpoint: text("endpoint").notNull(),
  },
  (table) => [primaryKey({ columns: [table.operatorId, table.block] })],
);

export const enrolmentVersions = sibyl.table(
  "enrolment_version",
  {
    modelId: hex("model_id").notNull(),
    operatorId: time("operator_id").notNull(),
    block: blockNumber("block").notNull(),
    attester: address("attester").notNull(),
    weight: uint256("weight").notNull(),
    activeFrom: time("active_from").notNull(),
  },
  (table) => [primaryKey({ columns: [table.modelId, table.operatorId, table.block] })],
);

export const modelVersions = sibyl.table(
  "model_version",
  {
    modelId: hex("model_id").notNull(),
    block: blockNumber("block").notNull(),
    publisher: address("publisher").notNull(),
    manifestURI: text("manifest_uri").notNull(),
    profile: uint256("profile").notNull(),
  },
  (table) => [primaryKey({ columns: [table.modelId, table.block] })],
);

/** An attempt as JSON holds it: wei as decimal strings. */
export interface StoredAttempt {
  hash: Hex;
  raw: Hex;
  maxFeePerGas: string;
  maxPriorityFeePerGas: string;
  signedAt: number;
  sentAt: number;
}

export const outbox = sibyl.table(
  "outbox",
  {
    id: text("id").primaryKey(),
    key: text("key").notNull(),
    kind: text("kind").$type<OutboxKind>().notNull(),
    to: address("to").notNull(),
    data: hex("data").notNull(),
    gas: uint256("gas").notNull(),
    maxFeePerGasCap: uint256("max_fee_per_gas_cap").notNull(),
    state: text("state").$type<OutboxState>().notNull(),
    nonce: time("nonce"),
    attempts: jsonb("attempts").$type<StoredAttempt[]>().notNull(),
    minedTransaction: hex("mined_transaction"),
    minedBlock: blockNumber("mined_block"),
    succeeded: boolean("succeeded"),
    reason: text("reason"),
    createdAt: time("created_at").notNull(),
    updatedAt: time("updated_at").notNull(),
    value: uint256("value").notNull().default(0n),
  },
  (table) => [
    index("outbox_by_key").on(table.key),
    index("outbox_by_state").on(table.state),
    uniqueIndex("outbox_nonce").on(table.nonce),
  ],
);

/** Records of what ran here. No block said so, and none takes it back. */
export const receipts = sibyl.table(
  "receipt",
  {
    key: text("key").primaryKey(),
    receipt: jsonb("receipt").$type<Receipt>().notNull(),
    computedAt: time("computed_at").notNull(),
  },
  (table) => [index("receipt_by_computed_at").on(table.computedAt)],
);

/** Second looks at what others proposed. No block takes them back: our model did run. */
export const watches = sibyl.table(
  "watch",
  {
    key: text("key").primaryKey(),
    state: text("state").$type<WatchState>().notNull(),
    /** Unix seconds. */
    windowEndsAt: time("window_ends_at").notNull(),
    output: hex("output"),
    proposedOutput: hex("proposed_output"),
    reason: text("reason"),
    createdAt: time("created_at").notNull(),
    updatedAt: time("updated_at").notNull(),
  },
  (table) => [index("watch_by_window").on(table.state, table.windowEndsAt)],
);

/** One row, written when the database is first used: nothing that was signed before it is known here. */
export const memory = sibyl.table("memory", {
  id: integer("id").primaryKey(),
  block: blockNumber("block").notNull(),
  timestamp: time("timestamp").notNull(),
});

export const migrations = sibyl.table("migration", {
  version: integer("version").primaryKey(),
  name: text("name").notNull(),
  appliedAt: time("applied_at").notNull(),
});
