/**
 * What `@sibyl/coprocessor/testing` offers beside the public face: to speak with operators without being one. The
 * adversary harness is built from it; an application has no use for it.
 */

export type {
  AttestationMessage,
  CommitMessage,
  OracleScope,
  PeerMessage,
  ProposalMessage,
  RevealMessage,
} from "./core/messages.ts";
export { MAX_OUTPUT_BYTES } from "./core/messages.ts";
export { type PeerRecord, peerRecordTypedData, type SignedPeerRecord } from "./core/peerRecord.ts";
export { createLibp2pPeers } from "./peers/libp2pPeers.ts";
export type { Peers, PeerTraffic } from "./peers/port.ts";
export { openRawGossip, type RawGossip } from "./peers/rawGossip.ts";
export { anonymous, type PeerIdentity } from "./peers/recordBook.ts";
export { createWire, NONCE_BYTES } from "./peers/wire.ts";
