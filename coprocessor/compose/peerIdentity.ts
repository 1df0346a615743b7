import type { OracleScope } from "../core/messages.ts";
import { peerRecordDigest, peerRecordTypedData } from "../core/peerRecord.ts";
import type { AttesterKey } from "../keys/port.ts";
import { recoverDigest } from "../keys/recover.ts";
import type { PeerIdentity } from "../peers/recordBook.ts";
import type { Store } from "../store/port.ts";

export interface PeerIdentityParts {
  scope: OracleScope;
  operatorId: number;
  key: Pick<AttesterKey, "account">;
  store: Pick<Store, "operator" | "holdsSeat">;
}

/** An operator's identity among peers: its attester key signs for it, its copy of the registry judges the others. */
export function peerIdentity({ scope, operatorId, key, store }: PeerIdentityParts): PeerIdentity {
  return {
    async issue(fields) {
      const record = { chainId: scope.chainId, oracle: scope.oracle, operatorId, ...fields };
      return { ...record, signature: await key.account.signTypedData(peerRecordTypedData(record)) };
    },
    signerOf: (record) => recoverDigest(peerRecordDigest(record), record.signature),
    async standingOf(id) {
      const operator = await store.operator(id);
      return operator === null ? null : { attester: operator.attester, seated: await store.holdsSeat(id) };
    },
    nowMs: Date.now,
  };
}
