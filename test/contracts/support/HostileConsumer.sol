// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {RecordingConsumer} from "./RecordingConsumer.sol";
import {IInferenceOracle} from "@sibyl/contracts/interfaces/IInferenceOracle.sol";
import {InferenceSettings} from "@sibyl/contracts/types/InferenceSettings.sol";

/// @notice A consumer that does in its callback whatever the test tells it to.
contract HostileConsumer is RecordingConsumer {
    enum Mood {
        Calm,
        Revert,
        RevertHuge,
        BurnGas,
        CallBack
    }

    error Refused();

    Mood public mood;
    bytes private _payload;
    uint256 private _value;

    bool public innerSucceeded;
    bytes public innerReturn;
    uint256 public gasSeen;

    constructor(IInferenceOracle oracle_, InferenceSettings memory settings) RecordingConsumer(oracle_, settings) {}

    function behave(Mood mood_) external {
        mood = mood_;
    }

    /// @notice Calls the oracle with `payload` from the callback.
    function callBackWith(bytes calldata payload, uint256 value) external {
        (mood, _payload, _value) = (Mood.CallBack, payload, value);
    }

    function _onResult(bytes32 requestId, bytes calldata output) internal override {
        gasSeen = gasleft();
        _act();
        super._onResult(requestId, output);
    }

    function _onExpired(bytes32 requestId, uint256 feeRefunded, uint256 gasReserveRefunded) internal override {
        _act();
        super._onExpired(requestId, feeRefunded, gasReserveRefunded);
    }

    function _act() private {
        if (mood == Mood.Revert) revert Refused();
        if (mood == Mood.RevertHuge) {
            assembly {
                revert(0, 50000)
            }
        }
        if (mood == Mood.BurnGas) {
            for (uint256 i = 0; true; ++i) {
                gasSeen = i;
            }
        }
        if (mood == Mood.CallBack) (innerSucceeded, innerReturn) = address(oracle).call{value: _value}(_payload);
    }
}
