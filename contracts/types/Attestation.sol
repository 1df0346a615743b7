// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice An operator's EIP-712 signature over `Attestation(bytes32 requestHash,bytes32 outputHash,uint32 view)`.
/// @param operatorId Who signed.
/// @param r ECDSA r.
/// @param vs ECDSA s with the parity in the highest bit (EIP-2098).
struct Attestation {
    uint32 operatorId;
    bytes32 r;
    bytes32 vs;
}
