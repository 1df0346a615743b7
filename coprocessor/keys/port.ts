import type { Address, Hex, LocalAccount } from "viem";

/**
 * The attester's key.
 *
 * Implementations: `privateKey` (from the environment, or decrypted by `keystore`), `web3signer` (a remote signer).
 * Deliberately excluded: deciding what to sign.
 */
export interface AttesterKey {
  readonly address: Address;
  /** Signs typed data and transactions. Signatures are deterministic (RFC 6979). */
  readonly account: LocalAccount;
  /**
   * Signs `keccak256(preimage)` as `account` would: 65 bytes (r, s, v), s in the lower half, v 27 or 28. For what is
   * signed so often that to encode it as any typed data costs more than to sign it (`commitPreimage`).
   */
  sign(preimage: Hex): Promise<Hex>;
  /** 32 bytes that only this key can make, equal each time for the same label: salts, the peer identity. */
  derive(label: string): Promise<Hex>;
}
