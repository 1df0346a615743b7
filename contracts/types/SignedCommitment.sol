// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice A commitment and an attester's signature of it, as evidence.
/// @param commitment See `Commitments.seal`.
/// @param r ECDSA r.
/// @param vs ECDSA s with the parity in the highest bit (EIP-2098).
struct SignedCommitment {
    bytes32 commitment;
    bytes32 r;
    bytes32 vs;
}
