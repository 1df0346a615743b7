import { type Address, encodeAbiParameters, type Hex, hashTypedData, keccak256 } from "viem";

/** Chain and oracle that a signature is bound to. */
export interface OracleScope {
  chainId: number;
  oracle: Address;
}

/** Chain and registry that an attester's consent is bound to. */
export interface RegistryScope {
  chainId: number;
  registry: Address;
}

/** What an operator signs once it computed, or verified, an output. */
export interface AttestationFields {
  /** The request id. */
  requestHash: Hex;
  /** `keccak256(output)`. */
  outputHash: Hex;
  view: number;
}

/** What an operator signs before anybody shows an output. */
export interface CommitFields {
  /** The request id. */
  requestHash: Hex;
  /** See `commitmentHash`. */
  commitment: Hex;
}

/** What an attester key signs so that `owner` may register it. */
export interface AttesterConsentFields {
  owner: Address;
  attester: Address;
}

export const ATTESTATION_TYPES = {
  Attestation: [
    { name: "requestHash", type: "bytes32" },
    { name: "outputHash", type: "bytes32" },
    { name: "view", type: "uint32" },
  ],
} as const;

export const COMMIT_TYPES = {
  Commit: [
    { name: "requestHash", type: "bytes32" },
    { name: "commitment", type: "bytes32" },
  ],
} as const;

export const ATTESTER_CONSENT_TYPES = {
  AttesterConsent: [
    { name: "owner", type: "address" },
    { name: "attester", type: "address" },
  ],
} as const;

/** EIP-712 domain of what operators say about requests. */
export function oracleDomain(scope: OracleScope) {
  return { name: "Sibyl", version: "1", chainId: scope.chainId, verifyingContract: scope.oracle } as const;
}

/** EIP-712 domain of what attester keys say to the registry. */
export function registryDomain(scope: RegistryScope) {
  return {
    name: "Sibyl OperatorRegistry",
    version: "1",
    chainId: scope.chainId,
    verifyingContract: scope.registry,
  } as const;
}

/** Typed data of an attestation, ready for `account.signTypedData`. */
export function attestationTypedData(scope: OracleScope, message: AttestationFields) {
  return {
    domain: oracleDomain(scope),
    types: ATTESTATION_TYPES,
    primaryType: "Attestation",
    message,
  } as const;
}

/** Typed data of a commitment, ready for `account.signTypedData`. */
export function commitTypedData(scope: OracleScope, message: CommitFields) {
  return { domain: oracleDomain(scope), types: COMMIT_TYPES, primaryType: "Commit", message } as const;
}

/** Typed data of an attester's consent, ready for `account.signTypedData`. */
export function attesterConsentTypedData(scope: RegistryScope, message: AttesterConsentFields) {
  return {
    domain: registryDomain(scope),
    types: ATTESTER_CONSENT_TYPES,
    primaryType: "AttesterConsent",
    message,
  } as const;
}

/** The 32 bytes that an attestation's signature is over. */
export function attestationDigest(scope: OracleScope, message: AttestationFields): Hex {
  return hashTypedData(attestationTypedData(scope, message));
}

/** The 32 bytes that a commitment's signature is over. */
export function commitDigest(scope: OracleScope, message: CommitFields): Hex {
  return hashTypedData(commitTypedData(scope, message));
}

/** The 32 bytes that an attester's consent is over. */
export function attesterConsentDigest(scope: RegistryScope, message: AttesterConsentFields): Hex {
  return hashTypedData(attesterConsentTypedData(scope, message));
}

/** `keccak256(output)`: what attestations and commitments name an output by. */
export function outputHash(output: Hex): Hex {
  return keccak256(output);
}

/**
 * Seals an answer: `keccak256(abi.encode(bytes32 requestHash, uint32 operatorId, bytes32 outputHash, bytes32 salt))`.
 *
 * The operator's id is inside, so a commitment cannot be copied under another name.
 */
export function commitmentHash(opening: {
  requestHash: Hex;
  operatorId: number;
  outputHash: Hex;
  salt: Hex;
}): Hex {
  return keccak256(
    encodeAbiParameters(
      [{ type: "bytes32" }, { type: "uint32" }, { type: "bytes32" }, { type: "bytes32" }],
      [opening.requestHash, opening.operatorId, opening.outputHash, opening.salt],
    ),
  );
}
