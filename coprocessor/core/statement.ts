import type { PeerMessage } from "./messages.ts";
import type { RequestKey } from "./request.ts";

/**
 * Something this operator signed, stored before it is sent.
 *
 * `slot` names what may be said only once: `commit`, `reveal`, `proposal/<view>`, `attestation/<view>`;
 * for an `exact` model the only attestation slot is `attestation/0`.
 */
export interface Statement {
  key: RequestKey;
  slot: string;
  message: PeerMessage;
  /** Unix milliseconds. */
  createdAt: number;
}
