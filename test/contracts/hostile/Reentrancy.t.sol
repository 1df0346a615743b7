// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Vm} from "forge-std/Test.sol";

import {BookKeeping} from "../support/BookKeeping.sol";
import {HostileConsumer} from "../support/HostileConsumer.sol";
import {MegabyteConsumer, VanishingConsumer} from "../support/HostileContracts.sol";
import {IInferenceCallback} from "@sibyl/contracts/interfaces/IInferenceCallback.sol";
import {IInferenceOracle} from "@sibyl/contracts/interfaces/IInferenceOracle.sol";
import {Attestation} from "@sibyl/contracts/types/Attestation.sol";
import {Request} from "@sibyl/contracts/types/Request.sol";
import {RequestParams} from "@sibyl/contracts/types/RequestParams.sol";
import {RequestStatus} from "@sibyl/contracts/types/RequestStatus.sol";
import {Settlement} from "@sibyl/contracts/types/Settlement.sol";

/// A consumer that calls every entry of the oracle while it is being answered, or does away with itself, gains nothing and
/// keeps nobody from being paid.
contract ReentrancyTest is BookKeeping {
    /// @dev Entries of the oracle that change something, as `payload` makes them.
    uint256 private constant ENTRIES = 13;

    HostileConsumer private hostile;

    function setUp() public override {
        super.setUp();
        hostile = new HostileConsumer(oracle, settings());
        creditors.push(address(hostile));
        creditors.push(address(0xbad));
    }

    function test_ReenteringAnyEntryWhileSettling_ChangesNoBooks() public {
        for (uint256 entry = 0; entry < ENTRIES; ++entry) {
            Request memory request = openTrap(entry);
            (bytes memory call, bool allowed) = payload(entry, request);
            hostile.callBackWith(call, 0);
            settle(request);
            assertEq(hostile.innerSucceeded(), allowed, vm.toString(entry));
            assertEq(uint8(oracle.status(request.id())), uint8(RequestStatus.Settled));
            assertBooks();
        }
    }

    function test_ReenteringAnyEntryWhileExpiring_ChangesNoBooks() public {
        for (uint256 entry = 0; entry < ENTRIES; ++entry) {
            Request memory request = openTrap(entry);
            (bytes memory call, bool allowed) = payload(entry, request);
            hostile.callBackWith(call, 0);
            uint256 credit = oracle.creditOf(address(hostile), NATIVE);
            vm.recordLogs();
            expire(request);
            // The refund is its credit already: that it may spend.
            bool spends = entry == 5 || entry == 6;
            assertEq(hostile.innerSucceeded(), allowed || spends, vm.toString(entry));
            assertEq(uint8(oracle.status(request.id())), uint8(RequestStatus.None));
            uint256 refund = uint256(request.funds.fee()) + request.funds.gasReserve();
            uint256 spent = entry == 5 ? costOf(params()) : entry == 6 ? 1 : 0;
            assertEq(oracle.creditOf(address(hostile), NATIVE), credit + refund - spent);
            booked.pop();
            if (entry == 5) booked.push(requestIn(vm.getRecordedLogs()));
            assertBooks();
        }
    }

    function test_ReenteringAnyEntryWhileRedelivering_ChangesNoBooks() public {
        for (uint256 entry = 0; entry < ENTRIES; ++entry) {
            Request memory request = openTrap(entry);
            hostile.behave(HostileConsumer.Mood.Revert);
            settle(request);
            (bytes memory call, bool allowed) = payload(entry, request);
            hostile.callBackWith(call, 0);
            oracle.redeliver(request, output);
            assertEq(hostile.innerSucceeded(), allowed, vm.toString(entry));
            assertEq(uint8(oracle.status(request.id())), uint8(RequestStatus.Settled));
            assertBooks();
        }
    }

    function test_AMegabyte_IsNotCopied() public {
        MegabyteConsumer heavy = new MegabyteConsumer();
        creditors.push(address(heavy));
        RequestParams memory p = params();
        // Memory for a megabyte costs a consumer 2.2 million gas.
        p.callbackGasLimit = 2_000_000;
        p.deadline = uint40(block.timestamp + 10 minutes);
        vm.recordLogs();
        bytes32 id = heavy.ask{value: costOf(p)}(oracle, p);
        remember(vm.getRecordedLogs());
        nextBlock();
        booked.push(opened[id]);
        Attestation[] memory attestations = attest(opened[id]);
        uint256 before = gasleft();
        oracle.settle(opened[id], output, 0, attestations);
        assertLt(before - gasleft(), 2_000_000 + 400_000);
        assertEq(uint8(oracle.status(id)), uint8(RequestStatus.CallbackFailed));
        // With gas enough it returns its megabyte, and we pay nothing for that.
        before = gasleft();
        oracle.redeliver(opened[id], output);
        assertLt(before - gasleft(), 3_000_000);
        assertEq(heavy.calls(), 1);
        assertBooks();
    }

    function test_AVanishedConsumer_IsSettledAndRefundedAllTheSame() public {
        VanishingConsumer vanishing = new VanishingConsumer();
        creditors.push(address(vanishing));
        RequestParams memory p = params();
        uint256 cost = costOf(p);
        vm.recordLogs();
        bytes32 first = vanishing.ask{value: cost}(oracle, p);
        bytes32 second = vanishing.ask{value: cost}(oracle, p);
        bytes32 third = vanishing.ask{value: cost}(oracle, p);
        remember(vm.getRecordedLogs());
        nextBlock();
        settle(opened[first]);
        assertEq(uint8(oracle.status(first)), uint8(RequestStatus.Settled));
        // Its code has gone now, as after a self-destruct before EIP-6780.
        vm.etch(address(vanishing), "");
        settle(opened[second]);
        assertEq(uint8(oracle.status(second)), uint8(RequestStatus.Settled));
        uint256 credit = oracle.creditOf(address(vanishing), NATIVE);
        expire(opened[third]);
        assertEq(oracle.creditOf(address(vanishing), NATIVE), credit + cost);
        booked.push(opened[first]);
        booked.push(opened[second]);
        assertBooks();
    }

    function openTrap(uint256 entry) private returns (Request memory request) {
        input = abi.encode("trap", entry);
        RequestParams memory p = params();
        p.callbackGasLimit = 1_500_000;
        request = openFor(hostile, p);
        booked.push(request);
    }

    function requestIn(Vm.Log[] memory logs) private pure returns (Request memory request) {
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] != IInferenceOracle.RequestOpened.selector) continue;
            (request,) = abi.decode(logs[i].data, (Request, bytes));
            return request;
        }
        revert("no RequestOpened among the logs");
    }

    /// @return call What the consumer calls the oracle with, as the consumer of `request`.
    /// @return allowed Whether the oracle lets it.
    function payload(uint256 entry, Request memory request) private returns (bytes memory call, bool allowed) {
        Attestation[] memory attestations = attest(request);
        if (entry == 0) return (abi.encodeCall(oracle.settle, (request, output, 0, attestations)), false);
        if (entry == 1) {
            // Allowed, and what it holds is refused.
            Settlement[] memory items = new Settlement[](1);
            items[0] = Settlement(request, output, 0, attestations);
            return (abi.encodeCall(oracle.settleBatch, (items)), true);
        }
        if (entry == 2) {
            Settlement memory item = Settlement(request, output, 0, attestations);
            return (abi.encodeCall(oracle.settleFromBatch, (item, attesterOf(1), 21_000)), false);
        }
        if (entry == 3) return (abi.encodeCall(oracle.expire, (request)), false);
        if (entry == 4) return (abi.encodeCall(oracle.redeliver, (request, output)), false);
        if (entry == 5 || entry == 6) {
            // So that nothing but what the answer brings is its credit.
            uint256 credit = oracle.creditOf(address(hostile), NATIVE);
            vm.prank(address(hostile));
            oracle.withdrawCredit(NATIVE, address(0xbad), credit);
            vm.deal(address(0xbad), 0);
        }
        if (entry == 5) {
            RequestParams memory p = params();
            // Also when it is asked as this request expires.
            p.deadline = request.terms.deadline() + 300;
            return (abi.encodeCall(oracle.request, (p)), false);
        }
        if (entry == 6) return (abi.encodeCall(oracle.withdrawCredit, (NATIVE, address(0xbad), 1)), false);
        if (entry == 7) return (abi.encodeCall(oracle.withdrawEarnings, (1, NATIVE, address(0xbad))), false);
        if (entry == 8) return (abi.encodeCall(oracle.withdrawRoyalties, (MODEL, NATIVE, address(0xbad))), false);
        if (entry == 9) return (abi.encodeCall(oracle.withdrawProtocolShare, (MODEL, NATIVE, address(0xbad))), false);
        if (entry == 10) return (abi.encodeCall(oracle.deposit, (address(0xbad))), true);
        if (entry == 11) return (abi.encodeCall(oracle.depositToken, (address(hostile), address(0xbad), 1)), false);
        // And itself, as if it were the oracle.
        return (abi.encodeCall(IInferenceCallback.onInference, (request.id(), output)), false);
    }
}
