// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";

import {InferenceConsumer} from "@sibyl/contracts/consumer/InferenceConsumer.sol";
import {RefundingConsumer} from "@sibyl/contracts/consumer/RefundingConsumer.sol";
import {IInferenceOracle} from "@sibyl/contracts/interfaces/IInferenceOracle.sol";
import {InferenceTest} from "@sibyl/contracts/testing/InferenceTest.sol";
import {InferenceSettings} from "@sibyl/contracts/types/InferenceSettings.sol";

contract RefundingConsumerTest is Test, InferenceTest {
    bytes32 internal constant MODEL = keccak256("a model");

    SharedConsumer internal consumer;
    address internal payer = makeAddr("payer");

    function setUp() public {
        oracle.setFee(0.01 ether);
        consumer = new SharedConsumer(oracle, MODEL, inferenceSettings());
        vm.deal(payer, 10 ether);
    }

    function test_Expiry_OwesThePayerWhatWasAttached() public {
        uint256 cost = consumer.inferenceCost(1);
        bytes32 id = ask(cost);
        expire(id);
        assertEq(consumer.refundWei(payer), cost);
        assertEq(address(consumer).balance, cost, "out of the credit that later requests spend");
        vm.prank(payer);
        consumer.claimRefund();
        assertEq(payer.balance, 10 ether);
    }

    function test_Expiry_OwesNothingOfWhatTheCreditPaid() public {
        uint256 cost = consumer.inferenceCost(MODEL, 1);
        oracle.deposit{value: 0.005 ether}(address(consumer));
        expire(ask(cost - 0.005 ether));
        assertEq(consumer.refundWei(payer), cost - 0.005 ether);
        assertEq(oracle.creditOf(address(consumer), address(0)), 0.005 ether);
    }

    function test_Expiry_OwesNoMoreThanTheRequestCost() public {
        uint256 cost = consumer.inferenceCost(MODEL, 1);
        expire(ask(cost + 1 ether));
        assertEq(consumer.refundWei(payer), cost);
    }

    function test_Ask_GoesToTheModelOfTheConstructorUnlessToldOtherwise() public {
        uint256 cost = consumer.inferenceCost(1);
        assertEq(cost, consumer.inferenceCost(MODEL, 1));
        vm.deal(address(this), 2 * cost);
        assertEq(oracle.requestOf(consumer.ask{value: cost}("q")).modelId, MODEL);
        bytes32 another = keccak256("another model");
        assertEq(oracle.requestOf(consumer.askOf{value: cost}(another, "q")).modelId, another);
    }

    function test_RevertWhen_ThePayerTakesNoCoin() public {
        bytes32 id = consumer.ask{value: consumer.inferenceCost(1)}("q");
        expire(id);
        uint256 owed = consumer.refundWei(address(this));
        vm.expectRevert(abi.encodeWithSelector(RefundingConsumer.RefundFailed.selector, address(this), owed));
        consumer.claimRefund();
    }

    function test_RevertWhen_AStrangerPaysIn() public {
        vm.prank(payer);
        (bool sent, bytes memory reason) = address(consumer).call{value: 1}("");
        assertFalse(sent);
        assertEq(reason, abi.encodeWithSelector(InferenceConsumer.OnlyOracle.selector, payer));
    }

    function ask(uint256 value) private returns (bytes32) {
        vm.prank(payer);
        return consumer.ask{value: value}("q");
    }
}

/// @notice Many people's requests through one contract.
contract SharedConsumer is RefundingConsumer {
    constructor(IInferenceOracle oracle_, bytes32 model_, InferenceSettings memory settings)
        RefundingConsumer(oracle_, model_, settings)
    {}

    function ask(bytes calldata question) external payable returns (bytes32) {
        return _inferForSender(question);
    }

    function askOf(bytes32 other, bytes calldata question) external payable returns (bytes32) {
        return _inferForSender(other, question);
    }

    function _onResult(bytes32, bytes calldata) internal override {}
}
