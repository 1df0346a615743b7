import { type RequestFields, unpackSigners } from "@sibyl/sdk";
import type { Hex } from "viem";

/** A request as the chain's logs tell it. */
export interface OpenedRequest {
  requestId: Hex;
  fields: RequestFields;
}

/** One settlement log. */
export interface Payout {
  requestId: Hex;
  /** Ids, eight of 32 bits, the first one highest. */
  signers: bigint;
  gasPaid: bigint;
  /** Who sent the transaction, if it is a signer; the gas is repaid to it alone. */
  submitterId: number | null;
}

/** Who owns what, wei; credit is by consumer, shares are royalties and the protocol's part together. */
export interface Ledger {
  credit: Map<string, bigint>;
  earnings: Map<number, bigint>;
  shares: Map<Hex, bigint>;
}

const BPS = 10_000n;

/**
 * What the oracle must owe whom, worked out from its logs alone.
 *
 * Follows `Fees.split`: the royalty and the protocol's share are rounded down, the signers share the rest evenly, and
 * what does not divide is the protocol's.
 *
 * @param paidIn What each consumer sent with its requests.
 */
export function expectedLedger(
  opened: readonly OpenedRequest[],
  payouts: readonly Payout[],
  refunds: readonly { requestId: Hex; refundedWei: bigint }[],
  paidIn: ReadonlyMap<string, bigint>,
): Ledger {
  const ledger: Ledger = { credit: new Map(), earnings: new Map(), shares: new Map() };
  const byId = new Map(opened.map((request) => [request.requestId, request.fields]));
  const fieldsOf = (requestId: Hex): RequestFields => {
    const fields = byId.get(requestId);
    if (fields === undefined) throw new Error(`request ${requestId} was closed and never opened`);
    return fields;
  };
  for (const [consumer, wei] of paidIn) add(ledger.credit, consumer, wei);
  for (const { fields } of opened)
    add(ledger.credit, fields.consumer.toLowerCase(), -(fields.fee + fields.gasReserve));

  for (const { requestId, signers, gasPaid, submitterId } of payouts) {
    const { fee, gasReserve, royaltyBps, protocolBps, modelId, consumer } = fieldsOf(requestId);
    const ids = unpackSigners(signers);
    const royalty = (fee * BigInt(royaltyBps)) / BPS;
    const perSigner = (fee - royalty - (fee * BigInt(protocolBps)) / BPS) / BigInt(ids.length);
    for (const id of ids) add(ledger.earnings, id, perSigner);
    add(ledger.shares, modelId, fee - perSigner * BigInt(ids.length));
    if (submitterId !== null) add(ledger.earnings, submitterId, gasPaid);
    add(ledger.credit, consumer.toLowerCase(), gasReserve - gasPaid);
  }
  for (const { requestId, refundedWei } of refunds)
    add(ledger.credit, fieldsOf(requestId).consumer.toLowerCase(), refundedWei);
  return ledger;
}

export const total = (wei: ReadonlyMap<unknown, bigint>): bigint =>
  [...wei.values()].reduce((sum, amount) => sum + amount, 0n);

function add<Key>(amounts: Map<Key, bigint>, key: Key, wei: bigint): void {
  amounts.set(key, (amounts.get(key) ?? 0n) + wei);
}
