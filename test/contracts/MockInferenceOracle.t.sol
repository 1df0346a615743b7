// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";

import {RecordingConsumer} from "./support/RecordingConsumer.sol";
import {IFeeVault} from "@sibyl/contracts/interfaces/IFeeVault.sol";
import {IInferenceOracle} from "@sibyl/contracts/interfaces/IInferenceOracle.sol";
import {Policies} from "@sibyl/contracts/libraries/Policies.sol";
import {MockInferenceOracle} from "@sibyl/contracts/testing/MockInferenceOracle.sol";
import {InferenceSettings} from "@sibyl/contracts/types/InferenceSettings.sol";
import {RequestStatus} from "@sibyl/contracts/types/RequestStatus.sol";

/// A consumer's test as an integrator writes it.
contract MockInferenceOracleTest is Test {
    bytes32 internal constant MODEL = keccak256("a model");

    MockInferenceOracle internal oracle;
    RecordingConsumer internal consumer;

    function setUp() public {
        oracle = new MockInferenceOracle();
        oracle.setFee(0.01 ether);
        consumer = new RecordingConsumer(
            oracle,
            InferenceSettings({
                policy: Policies.threeUnanimous(),
                callbackGasLimit: 200_000,
                lifetimeSeconds: 600,
                maxGasPrice: 1 gwei,
                maxFee: 1 ether
            })
        );
    }

    function test_Answer_CallsBackAndCreditsTheReserve() public {
        bytes32 id = ask();
        assertEq(oracle.inputOf(id), "a question");
        assertEq(oracle.requestOf(id).terms.consumer(), address(consumer));
        assertTrue(oracle.answer(id, "an answer"));
        assertEq(consumer.lastOutput(), "an answer");
        assertTrue(oracle.verifyOutput(id, "an answer"));
        assertEq(oracle.creditOf(address(consumer), address(0)), consumer.inferenceCost(MODEL, 10) - 0.01 ether);
    }

    function test_FailCallback_NeedsRedelivery() public {
        bytes32 id = ask();
        oracle.failCallback(id, "an answer");
        assertEq(consumer.results(), 0);
        assertEq(uint8(oracle.status(id)), uint8(RequestStatus.CallbackFailed));
        oracle.redeliver(id, "an answer");
        assertEq(consumer.results(), 1);
        assertEq(uint8(oracle.status(id)), uint8(RequestStatus.Settled));
    }

    function test_Expire_Refunds() public {
        bytes32 id = ask();
        uint256 cost = consumer.inferenceCost(MODEL, 10);
        oracle.expire(id);
        assertEq(consumer.expiries(), 1);
        assertEq(consumer.lastRefund(), cost);
        consumer.withdraw(address(0xbeef), cost);
        assertEq(address(0xbeef).balance, cost);
    }

    function test_RevertGiven_AlreadyAnswered() public {
        bytes32 id = ask();
        oracle.answer(id, "an answer");
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.RequestNotOpen.selector, id, RequestStatus.Settled));
        oracle.answer(id, "another answer");
    }

    function test_RevertWhen_PaidShort() public {
        uint256 cost = consumer.inferenceCost(MODEL, 10);
        vm.expectRevert(abi.encodeWithSelector(IFeeVault.CreditTooLow.selector, address(consumer), address(0), 0, 1));
        consumer.ask{value: cost - 1}(MODEL, "a question");
    }

    function ask() private returns (bytes32) {
        return consumer.ask{value: consumer.inferenceCost(MODEL, 10)}(MODEL, "a question");
    }
}
