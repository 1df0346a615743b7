// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice The itemised cost of a request.
/// @param token What the fee is paid in; the zero address is the chain's native coin.
/// @param executions Fee for `quorum` executions, in token units.
/// @param inputSurcharge Fee for the input's size, in token units.
/// @param fee `executions + inputSurcharge`: what `maxFee` is compared with.
/// @param royalty Part of `fee` that goes to the model's publisher.
/// @param protocolShare Part of `fee` that goes to the protocol.
/// @param gasReserve Wei kept for the settlement's gas; the unused part comes back as credit.
/// @param nativeTotal Wei to attach: `gasReserve`, and `fee` when the token is native.
struct Quote {
    address token;
    uint256 executions;
    uint256 inputSurcharge;
    uint256 fee;
    uint256 royalty;
    uint256 protocolShare;
    uint256 gasReserve;
    uint256 nativeTotal;
}
