import type { Address, Hex } from "viem";
import { bidCeiling, stopLossReason, type Takings } from "./economics.ts";
import type { RequestKey } from "./request.ts";

/**
 * `planned`   to be sent, no nonce yet
 * `batched`   part of a `settleBatch` entry, which holds the nonce; what becomes of that one decides
 * `signed`    nonce taken and transaction stored; may or may not be in a mempool
 * `mined`     in a block; `succeeded` says how
 * `abandoned` no longer needed, and holds no nonce that is still free; `reason` says why
 */
export type OutboxState = "planned" | "batched" | "signed" | "mined" | "abandoned";

/**
 * `settle`    brings a quorum's attestations
 * `settleBatch` those of several requests, whose own entries are `batched` meanwhile
 * `finalize`  ends a challenge window
 * `challenge` disputes a proposal, with a bond
 * `resolve`   brings a jury's verdict
 * `lapse`     ends a dispute that nobody decided in time
 * `report`    proves an equivocation to the registry
 * `demand`    asks an operator to open its commitment, with a bond
 * `open`      opens our own commitment
 * `close`     ends a demand that nobody met
 */
export type OutboxKind =
  | "settle"
  | "settleBatch"
  | "finalize"
  | "challenge"
  | "resolve"
  | "lapse"
  | CourtKind;

/** Kinds that hold operators to what they signed; their entries' keys name evidence or demands, not requests. */
export type CourtKind = "report" | "demand" | "open" | "close";

export const isCourtKind = (kind: OutboxKind): kind is CourtKind =>
  kind === "report" || kind === "demand" || kind === "open" || kind === "close";

/** A transaction that this operator owes; persisted before anything is sent. */
export interface OutboxEntry {
  id: string;
  /** The request that it is about; of a batch the first one. */
  key: RequestKey;
  kind: OutboxKind;
  to: Address;
  data: Hex;
  /** Wei that goes with the call: a bond; mostly 0. */
  value: bigint;
  gas: bigint;
  /** Wei; never bid more. Set anew when the entry is signed, to what the transaction is worth then. */
  maxFeePerGasCap: bigint;
  state: OutboxState;
  nonce: number | null;
  /** Every attempt at this nonce, oldest first; any of them may land. */
  attempts: OutboxAttempt[];
  minedTransaction: Hex | null;
  /** Block of `minedTransaction`, so that a reorg can take it back. */
  minedBlock: bigint | null;
  succeeded: boolean | null;
  reason: string | null;
  createdAt: number;
  updatedAt: number;
}

/** It came to nothing: given up, or reverted in its block. */
export const hasFailed = ({ state, succeeded }: Pick<OutboxEntry, "state" | "succeeded">): boolean =>
  state === "abandoned" || succeeded === false;

export interface OutboxAttempt {
  hash: Hex;
  raw: Hex;
  maxFeePerGas: bigint;
  maxPriorityFeePerGas: bigint;
  /** Unix milliseconds. */
  signedAt: number;
  /** Unix milliseconds of the last broadcast; 0 before the first. */
  sentAt: number;
}

/** Wei per gas. */
export interface OutboxFees {
  maxFeePerGas: bigint;
  maxPriorityFeePerGas: bigint;
}

/** What is known about the world when a step is decided. */
export interface OutboxView {
  /** Whether our row says that it can still matter. */
  needed: boolean;
  /** The account's nonce in the latest block: every lower one is used up. */
  latestNonce: number;
  /** Lowest nonce that was never given to an entry, at least `latestNonce`. */
  nextNonce: number;
  /** What a transaction should bid now, and the next block's base fee. */
  market: OutboxFees & { baseFeePerGas: bigint };
  /** Receipts of this entry's attempts, by hash; read after `latestNonce`. */
  receipts: ReadonlyMap<Hex, { blockNumber: bigint; succeeded: boolean }>;
  /** How the call would end now; only asked for before a nonce is taken. */
  simulation: { type: "ok"; gas: bigint } | { type: "reverted"; message: string } | null;
  /** Wei that the account has left when all its other signed transactions cost their most. */
  availableWei: bigint;
  /** Signed entries whose nonce is not used up. */
  inFlight: number;
  /** What the transaction brings us, and what we ask for at least; null sends it at any price up to its cap. */
  worth: { takings: Takings; minProfitWei: bigint } | null;
}

/** Room over what a call used when simulated, in hundredths: storage that others touch first can make a slot dearer. */
export const GAS_ROOM_PERCENT = 15n;

export interface OutboxRules {
  /** Milliseconds between broadcasts of one transaction: mempools forget. */
  rebroadcastAfterMs: number;
  /** Milliseconds until an attempt that bids less than the market is replaced. */
  replaceAfterMs: number;
  /** Milliseconds until an attempt is replaced whatever the market says: the market may be misread. */
  impatientAfterMs: number;
  /** Milliseconds that a nonce must be used up without a receipt of ours before it counts as lost: RPC servers lag. */
  lostNonceAfterMs: number;
  /** Milliseconds until a planned entry that had to wait is looked at again. */
  retryAfterMs: number;
  /** Most nonces in flight: mempools drop long queues of one account. */
  maxInFlight: number;
}

export const OUTBOX_RULES: OutboxRules = {
  rebroadcastAfterMs: 5_000,
  replaceAfterMs: 15_000,
  impatientAfterMs: 60_000,
  lostNonceAfterMs: 15_000,
  retryAfterMs: 2_000,
  maxInFlight: 16,
};

/**
 * What to do with an entry now.
 *
 * `sign`      take `nonce`, sign, store, then broadcast
 * `broadcast` send the newest attempt (again)
 * `replace`   sign another attempt at the same nonce, store it, then broadcast
 * `mined`     an attempt is in a block
 * `replan`    something else used the nonce up: start over with a new one
 * `abandon`   nothing is owed any more
 * `wait`      nothing to do before `untilMs` (Unix milliseconds)
 */
export type OutboxStep =
  | { type: "sign"; nonce: number; gas: bigint; fees: OutboxFees; cap: bigint }
  | { type: "broadcast"; raw: Hex }
  | { type: "replace"; fees: OutboxFees }
  | { type: "mined"; transaction: Hex; blockNumber: bigint; succeeded: boolean }
  | { type: "replan"; reason: string }
  | { type: "abandon"; reason: string }
  | { type: "wait"; untilMs: number; reason: string };

/**
 * Decides the next step of one outbox entry.
 *
 * A nonce that was given out must be used up, or every later transaction of the account waits for ever. So an entry
 * that becomes moot after it took a nonce is carried through unchanged: its transaction reverts early, for about what
 * a cancelling self-transfer costs with the bump that a replacement needs. And if a reorg reopens the request, the
 * same transaction settles it after all. Nothing is ever bid above `maxFeePerGasCap`, and a settlement that would cost
 * more than it pays is not signed until gas is cheaper.
 *
 * @param now Unix milliseconds
 */
export function nextOutboxStep(
  entry: OutboxEntry,
  view: OutboxView,
  now: number,
  rules: OutboxRules = OUTBOX_RULES,
): OutboxStep {
  switch (entry.state) {
    case "planned":
      return plannedStep(entry, view, now, rules);
    case "signed":
      return signedStep(entry, view, now, rules);
    case "batched":
    case "mined":
    case "abandoned":
      return { type: "wait", untilMs: Number.POSITIVE_INFINITY, reason: entry.state };
  }
}

function plannedStep(entry: OutboxEntry, view: OutboxView, now: number, rules: OutboxRules): OutboxStep {
  const { market, simulation, worth } = view;
  const wait = (reason: string): OutboxStep => ({ type: "wait", untilMs: now + rules.retryAfterMs, reason });
  if (!view.needed) return { type: "abandon", reason: "it was no longer needed before a nonce was taken" };
  if (view.inFlight >= rules.maxInFlight) return wait(`${view.inFlight} transactions are in flight`);
  if (simulation === null) return wait("not simulated yet");
  if (simulation.type === "reverted") return wait(`it would revert: ${simulation.message}`);
  const cheapest = market.baseFeePerGas + market.maxPriorityFeePerGas;
  const used = (simulation.gas * 100n) / (100n + GAS_ROOM_PERCENT);
  const ceiling = worth === null ? null : bidCeiling(worth.takings, used, worth.minProfitWei, now);
  if (worth !== null && (ceiling === null || ceiling < cheapest))
    return wait(stopLossReason(worth.takings, used, cheapest, worth.minProfitWei));
  const cap = ceiling ?? entry.maxFeePerGasCap;
  if (cap < cheapest) return wait(`a gas price of ${cheapest} wei is above the cap of ${cap} wei`);
  const maxFeePerGas = min(market.maxFeePerGas, cap);
  const gas = max(entry.gas, simulation.gas);
  const neededWei = gas * maxFeePerGas + entry.value;
  if (view.availableWei < neededWei) {
    return wait(`the account has ${view.availableWei} wei and needs ${neededWei} wei`);
  }
  const maxPriorityFeePerGas = min(market.maxPriorityFeePerGas, maxFeePerGas);
  return { type: "sign", nonce: view.nextNonce, gas, cap, fees: { maxFeePerGas, maxPriorityFeePerGas } };
}

function signedStep(entry: OutboxEntry, view: OutboxView, now: number, rules: OutboxRules): OutboxStep {
  for (const { hash } of entry.attempts) {
    const receipt = view.receipts.get(hash);
    if (receipt) return { type: "mined", transaction: hash, ...receipt };
  }
  const newest = entry.attempts.at(-1);
  if (!newest || entry.nonce === null) return { type: "replan", reason: "no attempt is stored" };

  if (view.latestNonce > entry.nonce) {
    const lostAt = Math.max(newest.signedAt, newest.sentAt) + rules.lostNonceAfterMs;
    if (now < lostAt)
      return { type: "wait", untilMs: lostAt, reason: "its nonce is used up; no receipt yet" };
    const reason = `nonce ${entry.nonce} was used up by a transaction that is not ours`;
    return view.needed ? { type: "replan", reason } : { type: "abandon", reason };
  }
  if (newest.sentAt === 0) return { type: "broadcast", raw: newest.raw };

  const fees = replacementFees(entry, newest, view, now, rules);
  if (fees) return { type: "replace", fees };
  const resendAt = newest.sentAt + rules.rebroadcastAfterMs;
  if (now >= resendAt) return { type: "broadcast", raw: newest.raw };
  return { type: "wait", untilMs: resendAt, reason: "sent; not in a block yet" };
}

/** Null when there is no reason to replace, or no room below the cap or within the balance. */
function replacementFees(
  entry: OutboxEntry,
  newest: OutboxAttempt,
  { market, availableWei }: OutboxView,
  now: number,
  rules: OutboxRules,
): OutboxFees | null {
  const age = now - newest.signedAt;
  const short =
    newest.maxFeePerGas < market.baseFeePerGas + market.maxPriorityFeePerGas ||
    newest.maxPriorityFeePerGas < market.maxPriorityFeePerGas;
  if (!(short && age >= rules.replaceAfterMs) && age < rules.impatientAfterMs) return null;

  const leastFee = bumped(newest.maxFeePerGas);
  const leastTip = bumped(newest.maxPriorityFeePerGas);
  const maxFeePerGas = min(max(leastFee, market.maxFeePerGas), entry.maxFeePerGasCap);
  if (
    maxFeePerGas < leastFee ||
    maxFeePerGas < leastTip ||
    entry.gas * maxFeePerGas + entry.value > availableWei
  )
    return null;
  return {
    maxFeePerGas,
    maxPriorityFeePerGas: min(max(leastTip, market.maxPriorityFeePerGas), maxFeePerGas),
  };
}

/** Nodes take a replacement only if both fees rise by at least 10%; some ask for 12.5%. */
const bumped = (fee: bigint) => max((fee * 9n + 7n) / 8n, fee + 1n);
const max = (a: bigint, b: bigint) => (a > b ? a : b);
const min = (a: bigint, b: bigint) => (a < b ? a : b);
