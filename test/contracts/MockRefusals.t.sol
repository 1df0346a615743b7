// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";

import {RecordingConsumer} from "./support/RecordingConsumer.sol";
import {IFeeVault} from "@sibyl/contracts/interfaces/IFeeVault.sol";
import {IInferenceOracle} from "@sibyl/contracts/interfaces/IInferenceOracle.sol";
import {Policies} from "@sibyl/contracts/libraries/Policies.sol";
import {MockFeeVault} from "@sibyl/contracts/testing/MockFeeVault.sol";
import {MockInferenceOracle} from "@sibyl/contracts/testing/MockInferenceOracle.sol";
import {Attestation} from "@sibyl/contracts/types/Attestation.sol";
import {InferenceSettings} from "@sibyl/contracts/types/InferenceSettings.sol";
import {Policy} from "@sibyl/contracts/types/Policy.sol";
import {Request} from "@sibyl/contracts/types/Request.sol";
import {RequestParams} from "@sibyl/contracts/types/RequestParams.sol";
import {RequestStatus} from "@sibyl/contracts/types/RequestStatus.sol";
import {Settlement} from "@sibyl/contracts/types/Settlement.sol";

/// The mock refuses what the oracle refuses, and serves the oracle's own entries, so that what an integrator's test passes does
/// not fail on chain.
contract MockRefusalsTest is Test {
    bytes32 private constant MODEL = keccak256("a model");
    uint96 private constant FEE = 0.01 ether;

    MockInferenceOracle private oracle;
    RecordingConsumer private consumer;

    function setUp() public {
        vm.warp(1_800_000_000);
        oracle = new MockInferenceOracle();
        oracle.setFee(FEE);
        consumer = new RecordingConsumer(oracle, settings());
        vm.deal(address(this), 100 ether);
    }

    function settings() private pure returns (InferenceSettings memory) {
        return InferenceSettings({
            policy: Policies.threeUnanimous(),
            callbackGasLimit: 200_000,
            lifetimeSeconds: 600,
            maxGasPrice: 1 gwei,
            maxFee: 1 ether
        });
    }

    function params() private view returns (RequestParams memory) {
        return RequestParams({
            modelId: MODEL,
            input: "a question",
            policy: Policies.threeUnanimous(),
            callbackGasLimit: 200_000,
            deadline: uint40(vm.getBlockTimestamp() + 600),
            maxGasPrice: 1 gwei,
            maxFee: 1 ether
        });
    }

    function test_Consumer_SaysHowItAsks() public view {
        assertEq(keccak256(abi.encode(consumer.inferenceSettings())), keccak256(abi.encode(settings())));
    }

    function test_RevertWhen_TheOracleWouldRefuseTheRequest() public {
        RequestParams memory p = params();
        p.modelId = 0;
        refuses(p, IInferenceOracle.ModelNotActive.selector);
        p = params();
        p.policy = Policy({committeeSize: 3, quorum: 0, challengeWindow: 0});
        refuses(p, IInferenceOracle.QuorumOutOfBounds.selector);
        p.policy = Policy({committeeSize: 3, quorum: 4, challengeWindow: 0});
        refuses(p, IInferenceOracle.QuorumOutOfBounds.selector);
        p = params();
        p.input = new bytes(1 << 20);
        refuses(p, IInferenceOracle.InputTooLong.selector);
        p = params();
        p.callbackGasLimit = type(uint32).max;
        refuses(p, IInferenceOracle.CallbackGasTooHigh.selector);
        p = params();
        p.deadline = uint40(vm.getBlockTimestamp());
        refuses(p, IInferenceOracle.DeadlineOutOfBounds.selector);
        p.deadline = uint40(vm.getBlockTimestamp() + 366 days);
        refuses(p, IInferenceOracle.DeadlineOutOfBounds.selector);
        p = params();
        p.maxFee = FEE - 1;
        refuses(p, IInferenceOracle.FeeAboveMaximum.selector);
        Policy memory policy = p.policy;
        vm.expectPartialRevert(IInferenceOracle.ModelNotActive.selector);
        oracle.quote(0, 0, policy, 0, 0);
    }

    function test_RequestBatch_OpensAll() public {
        RequestParams[] memory both = new RequestParams[](2);
        (both[0], both[1]) = (params(), params());
        both[1].input = "another question";
        uint256 cost = oracle.quote(MODEL, 10, both[0].policy, 200_000, 1 gwei).nativeTotal;
        bytes32[] memory ids = consumer.askMany{value: 2 * cost}(both);
        assertEq(oracle.inputOf(ids[0]), "a question");
        assertEq(oracle.inputOf(ids[1]), "another question");
    }

    function test_SettleBatch_AnswersAllThatIsOpen() public {
        Settlement[] memory items = new Settlement[](2);
        for (uint256 i = 0; i < 2; ++i) {
            bytes32 id = ask(abi.encode(i));
            items[i] = Settlement(oracle.requestOf(id), "an answer", 0, new Attestation[](0));
        }
        oracle.settleBatch(items);
        assertEq(consumer.results(), 2);
        Request memory settled = items[0].request;
        vm.expectPartialRevert(IInferenceOracle.RequestNotOpen.selector);
        oracle.settle(settled, "an answer", 0, new Attestation[](0));
    }

    function test_Expire_KeepsToTheDeadlineWhenAskedByTheRequest() public {
        bytes32 id = ask("a question");
        Request memory request = oracle.requestOf(id);
        vm.warp(request.terms.deadline());
        vm.expectPartialRevert(IInferenceOracle.DeadlineNotPassed.selector);
        oracle.expire(request);
        vm.warp(uint256(request.terms.deadline()) + 1);
        oracle.expire(request);
        assertEq(uint8(oracle.status(id)), uint8(RequestStatus.None));
        assertEq(consumer.expiries(), 1);
    }

    function test_Redeliver_RefusesWhatTheOracleRefuses() public {
        bytes32 id = ask("a question");
        Request memory request = oracle.requestOf(id);
        vm.expectPartialRevert(IInferenceOracle.NothingToRedeliver.selector);
        oracle.redeliver(request, "an answer");
        oracle.failCallback(id, "an answer");
        vm.expectPartialRevert(IInferenceOracle.WrongOutput.selector);
        oracle.redeliver(request, "another answer");
        oracle.redeliver(request, "an answer");
        assertEq(consumer.lastOutput(), "an answer");
        vm.expectPartialRevert(IInferenceOracle.NothingToRedeliver.selector);
        oracle.redeliver(request, "an answer");
    }

    function test_RevertWhen_OverturningWhatIsNotProposed() public {
        bytes32 id = ask("a question");
        vm.expectPartialRevert(IInferenceOracle.RequestNotOpen.selector);
        oracle.overturn(id, "another answer");
    }

    function test_Credit_ComesAndGoes() public {
        vm.expectEmit(address(oracle));
        emit IFeeVault.Deposited(address(this), address(0), 5);
        oracle.deposit{value: 5}(address(this));
        vm.expectRevert(abi.encodeWithSelector(IFeeVault.TokenNotListed.selector, address(1)));
        oracle.withdrawCredit(address(1), address(0xcafe), 5);
        oracle.withdrawCredit(address(0), address(0xcafe), 2);
        assertEq(address(0xcafe).balance, 2);
        assertEq(oracle.creditOf(address(this), address(0)), 3);
        vm.expectRevert(abi.encodeWithSelector(MockFeeVault.TransferFailed.selector, address(oracle), 1));
        oracle.withdrawCredit(address(0), address(oracle), 1);
    }

    function ask(bytes memory input) private returns (bytes32) {
        return consumer.ask{value: consumer.inferenceCost(MODEL, input.length)}(MODEL, input);
    }

    function refuses(RequestParams memory p, bytes4 selector) private {
        vm.expectPartialRevert(selector);
        consumer.askWith{value: 1 ether}(p);
    }
}
