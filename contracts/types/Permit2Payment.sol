// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice A payer's signed permission to move its tokens once, through the Permit2 contract, into one account's credit.
/// @dev The signature is Permit2's `PermitWitnessTransferFrom` with the oracle as spender and the witness
/// `FeePayment(address account)`: whoever submits it, the tokens become that account's credit and no other's.
/// @param payer Whose tokens; it has approved the Permit2 contract for them.
/// @param token A listed token.
/// @param amount Token units, all of which are moved.
/// @param nonce Permit2's unordered nonce: any number that the payer has not used.
/// @param deadline Unix seconds until which the signature counts.
/// @param signature 65 bytes, 64 bytes (EIP-2098), or what the payer's ERC-1271 contract accepts.
struct Permit2Payment {
    address payer;
    address token;
    uint256 amount;
    uint256 nonce;
    uint256 deadline;
    bytes signature;
}
