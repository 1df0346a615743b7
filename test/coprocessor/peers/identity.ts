import { keccak256, toHex } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import type { OracleScope } from "../../../coprocessor/core/messages.ts";
import {
  type OperatorStanding,
  type PeerRecord,
  peerRecordDigest,
  peerRecordTypedData,
  type SignedPeerRecord,
} from "../../../coprocessor/core/peerRecord.ts";
import { recoverDigest } from "../../../coprocessor/keys/recover.ts";
import type { PeerIdentity } from "../../../coprocessor/peers/recordBook.ts";

/** The attester key of an operator in these tests. */
export const attesterOf = (operatorId: number) =>
  privateKeyToAccount(keccak256(toHex(`attester ${operatorId}`)));

/** Identities of the conformance suite that are operators'; the others are nobody's. */
export const isOperator = (identity: number): boolean => identity > 0 && identity < 100;

export async function signRecord(record: PeerRecord, signer = record.operatorId): Promise<SignedPeerRecord> {
  return { ...record, signature: await attesterOf(signer).signTypedData(peerRecordTypedData(record)) };
}

/** An operator in a registry where every operator below 100 holds a seat, unless told otherwise. */
export function operatorIdentity(
  scope: OracleScope,
  operatorId: number,
  more: { nowMs?: () => number; standingOf?: (id: number) => OperatorStanding | null } = {},
): PeerIdentity {
  const standingOf =
    more.standingOf ??
    ((id: number) => (isOperator(id) ? { attester: attesterOf(id).address, seated: true } : null));
  return {
    issue: (fields) => signRecord({ ...scope, operatorId, ...fields }),
    signerOf: (record) => recoverDigest(peerRecordDigest(record), record.signature),
    standingOf: async (id) => standingOf(id),
    nowMs: more.nowMs ?? Date.now,
  };
}
