// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {InferenceConsumer} from "@sibyl/contracts/consumer/InferenceConsumer.sol";
import {IInferenceOracle} from "@sibyl/contracts/interfaces/IInferenceOracle.sol";
import {InferenceSettings} from "@sibyl/contracts/types/InferenceSettings.sol";

/// @notice The consumer that gas is measured with: its callback writes one word.
contract OneWordConsumer is InferenceConsumer {
    bytes32 private immutable _model;
    uint256 public lastWord;

    constructor(IInferenceOracle oracle_, bytes32 model_, InferenceSettings memory settings)
        InferenceConsumer(oracle_, settings)
    {
        _model = model_;
        lastWord = 1;
    }

    function ask(bytes calldata input) external payable returns (bytes32) {
        return _infer(_model, input, msg.value);
    }

    function _onResult(bytes32, bytes calldata output) internal override {
        lastWord = uint256(bytes32(output));
    }
}
