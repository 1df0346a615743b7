// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";

import {HostileConsumer} from "./support/HostileConsumer.sol";
import {InferenceConsumer} from "@sibyl/contracts/consumer/InferenceConsumer.sol";
import {IFeeVault} from "@sibyl/contracts/interfaces/IFeeVault.sol";
import {IInferenceOracle} from "@sibyl/contracts/interfaces/IInferenceOracle.sol";
import {InferenceTest} from "@sibyl/contracts/testing/InferenceTest.sol";
import {MockInferenceOracle} from "@sibyl/contracts/testing/MockInferenceOracle.sol";
import {InferenceSettings} from "@sibyl/contracts/types/InferenceSettings.sol";
import {ModelStatus} from "@sibyl/contracts/types/ModelTerms.sol";
import {RequestStatus} from "@sibyl/contracts/types/RequestStatus.sol";

/// A consumer's whole life without a node, as an integrator would drive it.
contract InferenceTestTest is Test, InferenceTest {
    bytes32 internal constant MODEL = keccak256("a model");

    HostileConsumer internal consumer;

    function setUp() public {
        vm.warp(1_800_000_000);
        oracle.setFee(0.01 ether);
        consumer = new HostileConsumer(oracle, inferenceSettings());
    }

    function test_Answer_CallsTheConsumer() public {
        bytes32 id = ask("a question");
        answer(id, "an answer");
        assertEq(consumer.lastOutput(), "an answer");
        assertGt(oracle.callbackGasOf(id), 0);
        assertLe(oracle.callbackGasOf(id), 200_000);
    }

    function test_Requests_AreRecordedInOrder() public {
        bytes32 first = ask("one");
        bytes32 second = ask("two");
        bytes32 third = ask("two");
        assertEq(oracle.requestCount(), 3);
        assertEq(oracle.requestIdAt(0), first);
        assertEq(oracle.requestIdAt(1), second);
        assertEq(oracle.lastRequestId(), third);
        assertNotEq(second, third, "identical questions have ids of their own");
        assertEq(oracle.inputOf(second), "two");
    }

    function test_Expire_PassesTheDeadlineAndRefunds() public {
        bytes32 id = ask("a question");
        uint256 deadline = oracle.requestOf(id).terms.deadline();
        expire(id);
        assertEq(vm.getBlockTimestamp(), deadline + 1);
        assertEq(consumer.expiries(), 1);
        assertEq(oracle.creditOf(address(consumer), address(0)), consumer.inferenceCost(MODEL, 10));
    }

    function test_FailCallback_WaitsForRedelivery() public {
        bytes32 id = ask("a question");
        failCallback(id, "an answer");
        assertEq(consumer.results(), 0);
        assertEq(uint8(oracle.status(id)), uint8(RequestStatus.CallbackFailed));
        assertTrue(oracle.verifyOutput(id, "an answer"));
        oracle.redeliver(id, "an answer");
        assertEq(consumer.results(), 1);
    }

    function test_ChallengeWindow_HoldsTheCallbackBack() public {
        consumer = new HostileConsumer(oracle, settingsWithWindow(1 hours));
        bytes32 id = ask("a question");
        propose(id, "an answer");
        assertEq(uint8(oracle.status(id)), uint8(RequestStatus.Proposed));
        assertEq(consumer.results(), 0);
        assertFalse(oracle.verifyOutput(id, "an answer"), "nothing is final yet");
        finalize(id);
        assertEq(consumer.lastOutput(), "an answer");
        assertEq(uint8(oracle.status(id)), uint8(RequestStatus.Settled));
    }

    function test_ChallengeWindow_AnswerWaitsItOut() public {
        consumer = new HostileConsumer(oracle, settingsWithWindow(1 hours));
        bytes32 id = ask("a question");
        uint256 asked = vm.getBlockTimestamp();
        answer(id, "an answer");
        assertEq(consumer.lastOutput(), "an answer");
        assertGt(vm.getBlockTimestamp(), asked + 1 hours);
    }

    function test_ChallengeWindow_AChallengeReplacesTheAnswer() public {
        consumer = new HostileConsumer(oracle, settingsWithWindow(1 hours));
        bytes32 id = ask("a question");
        propose(id, "a lie");
        overturn(id, "the truth");
        assertEq(consumer.results(), 1);
        assertEq(consumer.lastOutput(), "the truth");
        assertFalse(oracle.verifyOutput(id, "a lie"));
    }

    function test_ChallengeWindow_AChallengeNobodyDecidesRefunds() public {
        consumer = new HostileConsumer(oracle, settingsWithWindow(1 hours));
        bytes32 id = ask("a question");
        propose(id, "an answer");
        annul(id);
        assertEq(consumer.results(), 0);
        assertEq(consumer.lastRefund(), consumer.inferenceCost(MODEL, 10));
        assertEq(uint8(oracle.status(id)), uint8(RequestStatus.None));
    }

    function test_RevertGiven_NothingIsProposed() public {
        bytes32 id = ask("a question");
        bytes memory refusal = abi.encodeWithSelector(IInferenceOracle.RequestNotOpen.selector, id, RequestStatus.Open);
        vm.expectRevert(refusal);
        oracle.annul(id);
        vm.expectRevert(refusal);
        oracle.overturn(id, "an answer");
    }

    function test_RevertGiven_TheChallengeWindowIsOpen() public {
        consumer = new HostileConsumer(oracle, settingsWithWindow(1 hours));
        bytes32 id = ask("a question");
        propose(id, "an answer");
        vm.expectPartialRevert(MockInferenceOracle.NotFinalizable.selector);
        oracle.finalize(id);
    }

    function test_RevertGiven_TheConsumerRefusesAnAnswer() public {
        bytes32 id = ask("a question");
        consumer.behave(HostileConsumer.Mood.Revert);
        vm.expectRevert(
            abi.encodeWithSelector(
                ConsumerReverted.selector, id, abi.encodeWithSelector(HostileConsumer.Refused.selector)
            )
        );
        this.answerFromOutside(id, "an answer");
        assertEq(answerRefused(id, "an answer"), abi.encodeWithSelector(HostileConsumer.Refused.selector));
    }

    function test_RevertGiven_TheConsumerAcceptsWhatItShouldRefuse() public {
        bytes32 id = ask("a question");
        vm.expectRevert(abi.encodeWithSelector(ConsumerAccepted.selector, id));
        this.answerRefusedFromOutside(id, "an answer");
    }

    function test_RevertGiven_TheConsumerRefusesItsRefund() public {
        bytes32 id = ask("a question");
        consumer.behave(HostileConsumer.Mood.Revert);
        vm.expectPartialRevert(ConsumerReverted.selector);
        this.expireFromOutside(id);
    }

    function test_RevertGiven_TheDeadlineHasPassed() public {
        bytes32 id = ask("a question");
        skip(10 minutes + 1);
        vm.expectPartialRevert(IInferenceOracle.DeadlinePassed.selector);
        oracle.answer(id, "too late");
    }

    function test_Answer_KeepsOnlyTheFirstBytesOfAReason() public {
        bytes32 id = ask("a question");
        consumer.behave(HostileConsumer.Mood.RevertHuge);
        assertEq(answerRefused(id, "an answer").length, 256);
    }

    function test_Infer_PaysWithTheAttachedValue() public {
        OneLineConsumer oneLine = new OneLineConsumer(oracle, inferenceSettings());
        uint256 cost = oneLine.inferenceCost(MODEL, 10);
        bytes32 id = oneLine.ask{value: cost + 7}(MODEL, "a question");
        assertEq(oracle.inputOf(id), "a question");
        assertEq(oracle.creditOf(address(oneLine), address(0)), 7);
    }

    function test_RevertWhen_NoOracleIsAtTheAddress() public {
        InferenceSettings memory settings = inferenceSettings();
        for (uint256 i = 0; i < 3; ++i) {
            // Nothing at all, nothing on this chain, and a contract that is no oracle.
            address wrong = [address(0), makeAddr("the oracle of another chain"), address(consumer)][i];
            vm.expectRevert(abi.encodeWithSelector(InferenceConsumer.NoOracle.selector, wrong, block.chainid));
            new OneLineConsumer(IInferenceOracle(wrong), settings);
        }
    }

    function test_RevertGiven_TheCallbackGasIsTooLittle() public {
        InferenceSettings memory tight = inferenceSettings();
        tight.callbackGasLimit = 20_000;
        consumer = new HostileConsumer(oracle, tight);
        bytes32 id = ask("a question");
        vm.expectRevert(abi.encodeWithSelector(ConsumerReverted.selector, id, ""));
        this.answerFromOutside(id, "an answer");
        assertEq(answerRefused(id, "an answer"), "", "out of gas, and not a refusal");
        assertLe(oracle.callbackGasOf(id), 21_000);
    }

    function test_RevertWhen_TheModelIsUnset() public {
        uint256 cost = consumer.inferenceCost(MODEL, 10);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.ModelNotActive.selector, 0, ModelStatus.Unknown));
        consumer.ask{value: cost}(0, "a question");
    }

    function test_RevertWhen_TheQuorumExceedsTheCommittee() public {
        InferenceSettings memory odd = inferenceSettings();
        odd.policy.quorum = 4;
        consumer = new HostileConsumer(oracle, odd);
        uint256 cost = consumer.inferenceCost(MODEL, 10);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.QuorumOutOfBounds.selector, 4, 3, 8));
        consumer.ask{value: cost}(MODEL, "a question");
    }

    function test_RevertWhen_TheVaultIsAskedForAToken() public {
        vm.expectRevert(abi.encodeWithSelector(IFeeVault.TokenNotListed.selector, address(1)));
        oracle.withdrawCredit(address(1), address(this), 0);
    }

    function answerFromOutside(bytes32 id, bytes calldata output) external {
        answer(id, output);
    }

    function answerRefusedFromOutside(bytes32 id, bytes calldata output) external {
        answerRefused(id, output);
    }

    function expireFromOutside(bytes32 id) external {
        expire(id);
    }

    function ask(bytes memory question) private returns (bytes32) {
        return consumer.ask{value: consumer.inferenceCost(MODEL, question.length)}(MODEL, question);
    }

    function settingsWithWindow(uint32 challengeWindow) private pure returns (InferenceSettings memory settings) {
        settings = inferenceSettings();
        settings.policy.challengeWindow = challengeWindow;
    }
}

/// @notice Asks in one line.
contract OneLineConsumer is InferenceConsumer {
    constructor(IInferenceOracle oracle_, InferenceSettings memory settings) InferenceConsumer(oracle_, settings) {}

    function ask(bytes32 model, bytes calldata question) external payable returns (bytes32) {
        return _infer(model, question);
    }

    function _onResult(bytes32, bytes calldata) internal override {}
}
