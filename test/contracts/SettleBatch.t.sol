// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {HostileConsumer} from "./support/HostileConsumer.sol";
import {OracleFixture} from "./support/OracleFixture.sol";
import {IInferenceOracle} from "@sibyl/contracts/interfaces/IInferenceOracle.sol";
import {Request} from "@sibyl/contracts/types/Request.sol";
import {RequestStatus} from "@sibyl/contracts/types/RequestStatus.sol";
import {Settlement} from "@sibyl/contracts/types/Settlement.sol";

/// settleBatch
/// ├── when all is right: it should settle all, and repay the gas of each
/// ├── when one item is wrong: it should settle the others and say why not that one
/// ├── when a callback misbehaves: it should settle all
/// └── when a stranger calls settleFromBatch: it should revert
contract SettleBatchTest is OracleFixture {
    function test_SettleBatch_SettlesAll() public {
        Settlement[] memory items = batch(4);
        vm.prank(attesterOf(2));
        bytes4[] memory results = oracle.settleBatch(items);
        for (uint256 i = 0; i < 4; ++i) {
            assertEq(results[i], bytes4(0));
            assertEq(uint8(oracle.status(items[i].request.id())), uint8(RequestStatus.Settled));
        }
        assertEq(consumer.results(), 4);
        assertGt(oracle.earningsOf(2, NATIVE), oracle.earningsOf(1, NATIVE));
    }

    function test_SettleBatch_OneBadItemHoldsNoOtherBack() public {
        Settlement[] memory items = batch(4);
        items[1].attestations[2] = items[0].attestations[2];
        oracle.settle(items[2].request, items[2].output, 0, items[2].attestations);

        vm.recordLogs();
        bytes4[] memory results = oracle.settleBatch(items);

        assertEq(results[0], bytes4(0));
        assertEq(results[1], IInferenceOracle.WrongSignature.selector);
        assertEq(results[2], IInferenceOracle.RequestNotOpen.selector);
        assertEq(results[3], bytes4(0));
        assertEq(consumer.results(), 3);
        assertEq(uint8(oracle.status(items[1].request.id())), uint8(RequestStatus.Open));
    }

    function test_SettleBatch_AnItemTwiceSettlesOnce() public {
        Settlement[] memory items = batch(2);
        items[1] = items[0];
        bytes4[] memory results = oracle.settleBatch(items);
        assertEq(results[0], bytes4(0));
        assertEq(results[1], IInferenceOracle.RequestNotOpen.selector);
        assertEq(consumer.results(), 1);
    }

    function test_SettleBatch_AHostileCallbackHoldsNoOtherBack() public {
        HostileConsumer hostile = new HostileConsumer(oracle, settings());
        Settlement[] memory items = batch(3);
        Request memory trap = openFor(hostile, params());
        hostile.behave(HostileConsumer.Mood.BurnGas);
        items[1] = Settlement(trap, output, 0, attest(trap));
        bytes4[] memory results = oracle.settleBatch(items);
        for (uint256 i = 0; i < 3; ++i) {
            assertEq(results[i], bytes4(0));
        }
        assertEq(uint8(oracle.status(trap.id())), uint8(RequestStatus.CallbackFailed));
    }

    function test_SettleBatch_EmptyIsNothing() public {
        assertEq(oracle.settleBatch(new Settlement[](0)).length, 0);
    }

    function test_RevertWhen_AStrangerSettlesAnItem() public {
        Settlement[] memory items = batch(1);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.OnlySelf.selector, address(this)));
        oracle.settleFromBatch(items[0], attesterOf(1), 21_000);
    }

    function batch(uint256 size) private returns (Settlement[] memory items) {
        items = new Settlement[](size);
        for (uint256 i = 0; i < size; ++i) {
            input = abi.encode(i);
            Request memory request = open(params());
            items[i] = Settlement(request, output, 0, attest(request));
        }
    }
}
