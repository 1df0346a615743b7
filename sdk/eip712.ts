import {
  type Address,
  concatHex,
  domainSeparator,
  encodeAbiParameters,
  type Hex,
  hashTypedData,
  stringToHex,
} from "viem";
import { keccak256 } from "./keccak256.ts";

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

const TYPE_HASH = { name: "typeHash", type: "bytes32" } as const;
const attestationType = typeHash("Attestation", ATTESTATION_TYPES.Attestation);
const commitType = typeHash("Commit", COMMIT_TYPES.Commit);

/** EIP-712's `hashStruct` begins with it. */
function typeHash(name: string, fields: readonly { name: string; type: string }[]): Hex {
  return keccak256(stringToHex(`${name}(${fields.map((field) => `${field.type} ${field.name}`).join(",")})`));
}

/** Domain separators by chain and oracle: an operator hashes hundreds of messages of one oracle for each request. */
const separators = new Map<string, Hex>();
const MAX_SEPARATORS = 64;

/** EIP-712's `encode` of a struct that is encoded with its type hash in front; a signature is over its hash. */
function typedPreimage(scope: OracleScope, struct: Hex): Hex {
  const key = `${scope.chainId}/${scope.oracle}`;
  let separator = separators.get(key);
  if (separator === undefined) {
    if (separators.size >= MAX_SEPARATORS) separators.clear();
    separator = domainSeparator({ domain: oracleDomain(scope) });
    separators.set(key, separator);
  }
  return concatHex(["0x1901", separator, keccak256(struct)]);
}

/** What an attestation's signature is over the hash of, 66 bytes: for signers that hash themselves. */
export function attestationPreimage(scope: OracleScope, message: AttestationFields): Hex {
  const { requestHash, outputHash, view } = message;
  const { Attestation } = ATTESTATION_TYPES;
  return typedPreimage(
    scope,
    encodeAbiParameters([TYPE_HASH, ...Attestation], [attestationType, requestHash, outputHash, view]),
  );
}

/** What a commitment's signature is over the hash of, 66 bytes: for signers that hash themselves. */
export function commitPreimage(scope: OracleScope, message: CommitFields): Hex {
  const { requestHash, commitment } = message;
  return typedPreimage(
    scope,
    encodeAbiParameters([TYPE_HASH, ...COMMIT_TYPES.Commit], [commitType, requestHash, commitment]),
  );
}

/** The 32 bytes that an attestation's signature is over. */
export function attestationDigest(scope: OracleScope, message: AttestationFields): Hex {
  return keccak256(attestationPreimage(scope, message));
}

/** The 32 bytes that a commitment's signature is over. */
export function commitDigest(scope: OracleScope, message: CommitFields): Hex {
  return keccak256(commitPreimage(scope, message));
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
