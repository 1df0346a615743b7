// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice An output's hash and an attester's signature of it, as evidence.
/// @param outputHash `keccak256(output)`.
/// @param r ECDSA r.
/// @param vs ECDSA s with the parity in the highest bit (EIP-2098).
struct SignedOutput {
    bytes32 outputHash;
    bytes32 r;
    bytes32 vs;
}
