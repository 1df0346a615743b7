// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice The caller's ERC-2612 permit of its own tokens to the oracle.
/// @param token A listed token.
/// @param amount Token units that the oracle may take.
/// @param deadline Unix seconds until which the signature counts.
/// @param v ECDSA recovery id, 27 or 28.
/// @param r ECDSA r.
/// @param s ECDSA s.
struct TokenPermit {
    address token;
    uint256 amount;
    uint256 deadline;
    uint8 v;
    bytes32 r;
    bytes32 s;
}
