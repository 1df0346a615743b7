import type { Address } from "viem";
import type { OracleScope } from "../core/messages.ts";
import {
  checkRecord,
  checkStanding,
  type OperatorStanding,
  type PeerRecord,
  RECORD_LIFETIME_S,
  type RecordRefusal,
  type SignedPeerRecord,
} from "../core/peerRecord.ts";
import { decodeRecord, encodeRecord, MAX_RECORD_ADDRESSES } from "./recordWire.ts";

/** What an adapter needs to prove who it is, and to judge what others prove. */
export interface PeerIdentity {
  /** Signs a record with our attester's key; null while there is no operator to speak for. */
  issue(
    fields: Pick<PeerRecord, "peerId" | "addresses" | "issuedAt" | "expiresAt">,
  ): Promise<SignedPeerRecord | null>;
  /** Undefined when the signature is none. */
  signerOf(record: SignedPeerRecord): Address | undefined;
  /** Null for an operator that the registry, as far as it was read, does not know. */
  standingOf(operatorId: number): Promise<OperatorStanding | null>;
  /** Unix milliseconds. */
  nowMs(): number;
}

/** One who proves nothing and is told nothing about anybody: all its peers are strangers. */
export const anonymous: PeerIdentity = {
  issue: async () => null,
  signerOf: () => undefined,
  standingOf: async () => null,
  nowMs: Date.now,
};

/** A record that was shown by the peer that it names, and is signed. */
interface Shown {
  record: SignedPeerRecord;
  bytes: Uint8Array;
  signer: Address;
  /** Null while it proves a bonded operator. */
  refusal: RecordRefusal | null;
}

/**
 * The records of connected peers, and our own.
 *
 * A record's signature is checked once; who its operator is now, every time that `refresh` is called: operators join,
 * leave, are slashed and change keys. One peer at a time speaks for an operator: the one with the latest record.
 */
export class RecordBook {
  readonly #scope: OracleScope;
  readonly #identity: PeerIdentity;
  readonly #shown = new Map<string, Shown>();
  #own: { record: SignedPeerRecord; bytes: Uint8Array } | null = null;
  #issuing: Promise<Uint8Array | null> | null = null;

  constructor(scope: OracleScope, identity: PeerIdentity) {
    this.#scope = scope;
    this.#identity = identity;
  }

  /**
   * Our own record, signed anew when half of its time is over or the addresses are others.
   *
   * @returns null when there is no operator to speak for.
   * @throws whatever the key's signer throws.
   */
  own(peerId: string, addresses: readonly string[]): Promise<Uint8Array | null> {
    const nowS = Math.floor(this.#identity.nowMs() / 1_000);
    const told = addresses.slice(0, MAX_RECORD_ADDRESSES);
    if (this.#own !== null) {
      const { record, bytes } = this.#own;
      const young = nowS >= record.issuedAt && nowS < (record.issuedAt + record.expiresAt) / 2;
      const same = record.peerId === peerId && record.addresses.join() === told.join();
      if (young && same) return Promise.resolve(bytes);
    }
    // Many peers ask at once; the signer may be a machine far away.
    this.#issuing ??= this.#identity
      .issue({ peerId, addresses: told, issuedAt: nowS, expiresAt: nowS + RECORD_LIFETIME_S })
      .then((record) => {
        if (record === null) return null;
        this.#own = { record, bytes: encodeRecord(record) };
        return this.#own.bytes;
      })
      .finally(() => {
        this.#issuing = null;
      });
    return this.#issuing;
  }

  /**
   * Judges what a peer showed as its record, and keeps it while it is connected, if it is the peer's own.
   *
   * @param peer Whom the connection, or a signature, proved to be there.
   * @returns null when it proves a bonded operator.
   */
  async take(peer: string, bytes: Uint8Array): Promise<RecordRefusal | null> {
    const known = this.#shown.get(peer);
    if (known === undefined || Buffer.compare(known.bytes, bytes) !== 0) {
      const decoded = decodeRecord(bytes);
      if (!decoded.ok) return { fault: "malformed", detail: decoded.detail };
      const { record } = decoded;
      const refusal = checkRecord(record, { scope: this.#scope, peerId: peer }, this.#identity.nowMs());
      if (refusal !== null) return refusal;
      const signer = this.#identity.signerOf(record);
      if (signer === undefined)
        return { fault: "bad-signature", detail: `operator ${record.operatorId}'s record` };
      // Never behind what it showed before: an old record must not bring an old address back.
      if (known !== undefined && known.record.issuedAt > record.issuedAt) return known.refusal;
      this.#shown.set(peer, { record, bytes: bytes.slice(), signer, refusal: null });
    }
    await this.refresh([peer]);
    const shown = this.#shown.get(peer);
    return shown === undefined ? { fault: "expired", detail: "while it was looked at" } : shown.refusal;
  }

  /** Holds kept records against the clock and the registry; all of them when no peers are named. */
  async refresh(peers: Iterable<string> = [...this.#shown.keys()]): Promise<void> {
    for (const peer of peers) {
      const shown = this.#shown.get(peer);
      if (shown === undefined) continue;
      const { record, signer } = shown;
      const standing = await this.#identity.standingOf(record.operatorId);
      if (this.#shown.get(peer) !== shown) continue;
      const expected = { scope: this.#scope, peerId: peer };
      const stale = checkRecord(record, expected, this.#identity.nowMs());
      if (stale !== null) this.#shown.delete(peer);
      else shown.refusal = checkStanding(record, signer, standing) ?? this.#superseding(peer, shown);
    }
  }

  /** Whether a peer speaks for a bonded operator. */
  isProven(peer: string): boolean {
    const shown = this.#shown.get(peer);
    return shown !== undefined && this.#counts(shown);
  }

  /** Whether a peer has shown nothing yet, or what it showed is half over. */
  isDue(peer: string): boolean {
    const shown = this.#shown.get(peer);
    if (shown === undefined) return true;
    const { issuedAt, expiresAt } = shown.record;
    return this.#identity.nowMs() / 1_000 >= (issuedAt + expiresAt) / 2;
  }

  /** What a proven peer said of itself. */
  recordOf(peer: string): SignedPeerRecord | null {
    const shown = this.#shown.get(peer);
    return shown !== undefined && this.#counts(shown) ? shown.record : null;
  }

  /** Operators that have proven peers, increasing. */
  operators(): number[] {
    const proven = [...this.#shown.values()].filter((shown) => this.#counts(shown));
    return [...new Set(proven.map(({ record }) => record.operatorId))].sort((a, b) => a - b);
  }

  /** Peers whose records are kept. */
  peers(): string[] {
    return [...this.#shown.keys()];
  }

  forget(peer: string): void {
    this.#shown.delete(peer);
  }

  #counts({ refusal, record }: Shown): boolean {
    return refusal === null && record.expiresAt * 1_000 > this.#identity.nowMs();
  }

  /** The newer of two peers that speak for one operator stays; told by the peer id when both are of one second. */
  #superseding(peer: string, { record }: Shown): RecordRefusal | null {
    let refusal: RecordRefusal | null = null;
    for (const [other, shown] of this.#shown) {
      if (other === peer || shown.record.operatorId !== record.operatorId || shown.refusal !== null) continue;
      const isLater =
        record.issuedAt > shown.record.issuedAt ||
        (record.issuedAt === shown.record.issuedAt && peer > other);
      const superseded = (by: string): RecordRefusal => ({
        fault: "superseded",
        detail: `operator ${record.operatorId} speaks through ${by}`,
      });
      if (isLater) shown.refusal = superseded(peer);
      else refusal = superseded(other);
    }
    return refusal;
  }
}
