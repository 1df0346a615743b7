// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Policies} from "../libraries/Policies.sol";
import {InferenceSettings} from "../types/InferenceSettings.sol";
import {RequestStatus} from "../types/RequestStatus.sol";
import {ICheatcodes} from "./ICheatcodes.sol";
import {MockInferenceOracle} from "./MockInferenceOracle.sol";

/// @title InferenceTest
/// @notice What a consumer's tests inherit beside forge-std's `Test`: an oracle whose answers the test gives.
/// @dev `contract BoardTest is Test, InferenceTest`. Works wherever forge's cheatcodes do, Hardhat's Solidity tests
/// included, and with any forge-std, because it imports none. Each step checks itself: an answer whose callback fails
/// reverts the test, so what a test says happened did happen.
abstract contract InferenceTest {
    /// @notice The consumer's callback failed; the first bytes that it returned, none if it ran out of gas.
    error ConsumerReverted(bytes32 requestId, bytes reason);
    /// @notice The consumer's callback was meant to fail and did not.
    error ConsumerAccepted(bytes32 requestId);

    ICheatcodes private constant _CHEATCODES = ICheatcodes(address(uint160(uint256(keccak256("hevm cheat code")))));

    /// @notice The oracle under the consumer; give it to the consumer's constructor.
    MockInferenceOracle internal oracle = new MockInferenceOracle();

    /// @notice Settings to construct a consumer with: three operators that must agree, 200,000 gas for the callback,
    /// ten minutes, at most 10 gwei for gas and 1 ether for a request.
    function inferenceSettings() internal pure virtual returns (InferenceSettings memory) {
        return InferenceSettings({
            policy: Policies.threeUnanimous(),
            callbackGasLimit: 200_000,
            lifetimeSeconds: 10 minutes,
            maxGasPrice: 10 gwei,
            maxFee: 1 ether
        });
    }

    /// @notice Answers a request, waits for its challenge window to end if it has one, and has the consumer called.
    function answer(bytes32 requestId, bytes memory output) internal {
        propose(requestId, output);
        if (oracle.status(requestId) == RequestStatus.Proposed) finalize(requestId);
    }

    /// @notice Answers a request and stops there: with a challenge window the consumer is not called yet.
    function propose(bytes32 requestId, bytes memory output) internal {
        _requireAccepted(requestId, oracle.answer(requestId, output));
    }

    /// @notice Lets a proposed answer's challenge window pass and has the consumer called.
    function finalize(bytes32 requestId) internal {
        _CHEATCODES.warp(block.timestamp + oracle.requestOf(requestId).opening.challengeWindow() + 1);
        _requireAccepted(requestId, oracle.finalize(requestId));
    }

    /// @notice Replaces a proposed answer by another one, as a challenge that succeeded does, and has the consumer called.
    function overturn(bytes32 requestId, bytes memory output) internal {
        _requireAccepted(requestId, oracle.overturn(requestId, output));
    }

    /// @notice Refunds a proposed request, as a challenge does about which nobody decides.
    function annul(bytes32 requestId) internal {
        if (!oracle.annul(requestId)) revert ConsumerReverted(requestId, oracle.callbackReasonOf(requestId));
    }

    /// @notice Lets a request's deadline pass without an answer; the payment is the consumer's credit again.
    function expire(bytes32 requestId) internal {
        uint256 deadline = oracle.requestOf(requestId).terms.deadline();
        if (block.timestamp <= deadline) _CHEATCODES.warp(deadline + 1);
        if (!oracle.expire(requestId)) revert ConsumerReverted(requestId, oracle.callbackReasonOf(requestId));
    }

    /// @notice Answers a request with a callback that runs out of gas: it waits for `oracle.redeliver` then.
    function failCallback(bytes32 requestId, bytes memory output) internal {
        oracle.failCallback(requestId, output);
    }

    /// @notice Answers a request with what the consumer must refuse, such as a malformed output.
    /// @return reason The first bytes of what the consumer reverted with.
    function answerRefused(bytes32 requestId, bytes memory output) internal returns (bytes memory reason) {
        if (oracle.answer(requestId, output)) revert ConsumerAccepted(requestId);
        return oracle.callbackReasonOf(requestId);
    }

    /// @notice Runs a real model: what operators would answer. Needs `ffi = true`, Node, and `npx sibyl`.
    /// @param folder The model's, with its `manifest.json`.
    /// @param input As the consumer would ask, `abi.encode` of what the model's codec says.
    /// @return output The canonical bytes that operators would sign.
    function runModel(string memory folder, bytes memory input) internal returns (bytes memory output) {
        string[] memory command = new string[](6);
        (command[0], command[1], command[2], command[3]) = ("npx", "--no", "sibyl", "run");
        (command[4], command[5]) = (folder, _CHEATCODES.toString(input));
        return _CHEATCODES.ffi(command);
    }

    function _requireAccepted(bytes32 requestId, bool delivered) private view {
        if (delivered || oracle.status(requestId) == RequestStatus.Proposed) return;
        revert ConsumerReverted(requestId, oracle.callbackReasonOf(requestId));
    }
}
