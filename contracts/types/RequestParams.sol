// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Policy} from "./Policy.sol";

/// @notice What a consumer asks for.
/// @dev The gas limit is wider than the 32 bits that a request keeps, which the protocol's bound sees to: the compiler tries
/// functions in the order of their selectors, and with this type that of `request` comes early: 200 gas of each request.
/// @param modelId The model's content address, as published in the ModelRegistry.
/// @param input `abi.encode` of what the model's codec says.
/// @param policy How many operators run it and how many must agree.
/// @param callbackGasLimit Gas the callback gets, exactly.
/// @param deadline Unix seconds after which the request can only expire.
/// @param maxGasPrice Highest gas price, in wei, that the gas reserve reimburses.
/// @param maxFee Highest fee, in units of the model's token, that the caller agrees to; excludes the gas reserve.
struct RequestParams {
    bytes32 modelId;
    bytes input;
    Policy policy;
    uint256 callbackGasLimit;
    uint40 deadline;
    uint64 maxGasPrice;
    uint96 maxFee;
}
