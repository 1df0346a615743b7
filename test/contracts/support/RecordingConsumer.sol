// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {InferenceConsumer} from "@sibyl/contracts/consumer/InferenceConsumer.sol";
import {IInferenceOracle} from "@sibyl/contracts/interfaces/IInferenceOracle.sol";
import {InferenceSettings} from "@sibyl/contracts/types/InferenceSettings.sol";
import {RequestParams} from "@sibyl/contracts/types/RequestParams.sol";

/// @notice A well-behaved consumer that keeps what it was told.
contract RecordingConsumer is InferenceConsumer {
    uint256 public results;
    uint256 public expiries;
    bytes32 public lastRequestId;
    bytes public lastOutput;
    uint256 public lastRefund;

    constructor(IInferenceOracle oracle_, InferenceSettings memory settings) InferenceConsumer(oracle_, settings) {}

    receive() external payable {}

    function ask(bytes32 modelId, bytes calldata input) external payable returns (bytes32) {
        return _infer(modelId, input, msg.value);
    }

    function askWith(RequestParams calldata params) external payable returns (bytes32) {
        return oracle.request{value: msg.value}(params);
    }

    function askMany(RequestParams[] calldata params) external payable returns (bytes32[] memory) {
        return oracle.requestBatch{value: msg.value}(params);
    }

    function withdraw(address to, uint256 amount) external {
        _withdrawCredit(to, amount);
    }

    function _onResult(bytes32 requestId, bytes calldata output) internal virtual override {
        ++results;
        lastRequestId = requestId;
        lastOutput = output;
    }

    function _onExpired(bytes32 requestId, uint256 feeRefunded, uint256 gasReserveRefunded) internal virtual override {
        ++expiries;
        lastRequestId = requestId;
        lastRefund = feeRefunded + gasReserveRefunded;
    }
}
