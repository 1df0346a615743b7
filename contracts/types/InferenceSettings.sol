// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Policy} from "./Policy.sol";

/// @notice How a consumer asks when it does not say otherwise.
/// @param policy How many operators run the model and how many must agree.
/// @param callbackGasLimit Gas that `_onResult` gets, exactly.
/// @param lifetimeSeconds How long a request may wait for its answer.
/// @param maxGasPrice Highest gas price, in wei, that the gas reserve reimburses; the reserve grows with it, and what
/// is not used comes back as credit. Above this price operators may let the request expire.
/// @param maxFee Highest fee of one request, in units of the model's token; excludes the gas reserve.
struct InferenceSettings {
    Policy policy;
    uint32 callbackGasLimit;
    uint32 lifetimeSeconds;
    uint64 maxGasPrice;
    uint96 maxFee;
}
