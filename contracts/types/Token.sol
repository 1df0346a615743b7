// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice A token that fees may be paid in.
/// @param addr The ERC-20; the zero address is the chain's native coin.
/// @param accepted Whether new requests and deposits may use it. Withdrawals always may.
struct Token {
    address addr;
    bool accepted;
}
