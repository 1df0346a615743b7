// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Vm} from "forge-std/Test.sol";

import {HostileConsumer} from "./support/HostileConsumer.sol";
import {OracleFixture} from "./support/OracleFixture.sol";
import {InferenceConsumer} from "@sibyl/contracts/consumer/InferenceConsumer.sol";
import {IFeeVault} from "@sibyl/contracts/interfaces/IFeeVault.sol";
import {IInferenceOracle} from "@sibyl/contracts/interfaces/IInferenceOracle.sol";
import {Attestation} from "@sibyl/contracts/types/Attestation.sol";
import {Request} from "@sibyl/contracts/types/Request.sol";
import {RequestParams} from "@sibyl/contracts/types/RequestParams.sol";
import {RequestStatus} from "@sibyl/contracts/types/RequestStatus.sol";

/// The callback
/// ├── when it reverts, returns a megabyte or burns its gas
/// │   ├── it should settle and pay all the same
/// │   └── it should be redeliverable, once
/// ├── when it re-enters
/// │   ├── settle, expire, redeliver: it should change nothing
/// │   ├── withdrawCredit: it should get no more than its credit
/// │   └── request: it should open a request
/// ├── when the submitter gives too little gas: it should revert the settlement
/// └── it should get the gas that the request says
contract CallbackTest is OracleFixture {
    HostileConsumer internal hostile;

    function setUp() public override {
        super.setUp();
        hostile = new HostileConsumer(oracle, settings());
    }

    function test_Callback_ARevertIsRecorded() public {
        Request memory request = settledIn(HostileConsumer.Mood.Revert);
        assertFailedAndPaid(request);
    }

    function test_Callback_AReturnBombIsCut() public {
        Request memory request = openFor(hostile, params());
        hostile.behave(HostileConsumer.Mood.RevertHuge);
        vm.recordLogs();
        settle(request);
        assertFailedAndPaid(request);
        assertEq(reasonIn(vm.getRecordedLogs()).length, 256);
    }

    function test_Callback_BurntGasIsBounded() public {
        Request memory request = openFor(hostile, params());
        hostile.behave(HostileConsumer.Mood.BurnGas);
        Attestation[] memory attestations = attest(request);
        vm.prank(attesterOf(1));
        uint256 before = gasleft();
        oracle.settle(request, output, 0, attestations);
        assertLt(before - gasleft(), 200_000 + 200_000);
        assertFailedAndPaid(request);
    }

    function test_Callback_NeverGetsMoreThanItsGasLimit() public {
        Request memory request = openFor(hostile, params());
        settle(request);
        assertLe(hostile.gasSeen(), 200_000);
        assertGt(hostile.gasSeen(), 199_000);
    }

    function testFuzz_Callback_GetsItsGasOrTheSettlementReverts(uint256 gasGiven) public {
        Request memory request = openFor(hostile, params());
        Attestation[] memory attestations = attest(request);
        gasGiven = bound(gasGiven, 50_000, 600_000);
        vm.prank(attesterOf(1));
        try oracle.settle{gas: gasGiven}(request, output, 0, attestations) {
            assertEq(hostile.results(), 1);
            assertGt(hostile.gasSeen(), 199_000);
        } catch {
            assertEq(uint8(oracle.status(request.id())), uint8(RequestStatus.Open));
        }
    }

    function test_RevertWhen_TheSubmitterGivesTooLittleGas() public {
        Request memory request = openFor(hostile, params());
        Attestation[] memory attestations = attest(request);
        vm.expectPartialRevert(IInferenceOracle.NotEnoughGas.selector);
        oracle.settle{gas: 270_000}(request, output, 0, attestations);
    }

    function test_Callback_MayOpenARequest() public {
        Request memory request = openFor(hostile, roomy());
        RequestParams memory p = params();
        uint256 cost = costOf(p);
        vm.deal(address(hostile), cost);
        hostile.callBackWith(abi.encodeCall(IInferenceOracle.request, (p)), cost);
        settle(request);
        assertTrue(hostile.innerSucceeded());
        bytes32 nested = abi.decode(hostile.innerReturn(), (bytes32));
        assertEq(uint8(oracle.status(nested)), uint8(RequestStatus.Open));
        assertEq(uint8(oracle.status(request.id())), uint8(RequestStatus.Settled));
    }

    function test_Callback_CannotSettleTwice() public {
        Request memory request = openFor(hostile, roomy());
        hostile.callBackWith(abi.encodeCall(IInferenceOracle.settle, (request, output, 0, attest(request))), 0);
        settle(request);
        assertRefused(IInferenceOracle.RequestNotOpen.selector);
        assertEq(hostile.results(), 1);
    }

    function test_Callback_CannotExpireWhatItGets() public {
        Request memory request = openFor(hostile, roomy());
        hostile.callBackWith(abi.encodeCall(IInferenceOracle.expire, (request)), 0);
        settle(request);
        assertRefused(IInferenceOracle.RequestNotOpen.selector);
    }

    function test_Callback_CannotRedeliverToItself() public {
        Request memory request = openFor(hostile, roomy());
        hostile.callBackWith(abi.encodeCall(IInferenceOracle.redeliver, (request, output)), 0);
        settle(request);
        assertRefused(IInferenceOracle.NothingToRedeliver.selector);
        assertEq(hostile.results(), 1);
    }

    function test_Callback_CannotRedeliverTwiceFromInside() public {
        Request memory request = settledIn(HostileConsumer.Mood.Revert);
        hostile.callBackWith(abi.encodeCall(IInferenceOracle.redeliver, (request, output)), 0);
        oracle.redeliver(request, output);
        assertRefused(IInferenceOracle.NothingToRedeliver.selector);
        assertEq(hostile.results(), 1);
    }

    function test_Callback_CannotWithdrawWhatIsNotCreditedYet() public {
        Request memory request = openFor(hostile, roomy());
        hostile.callBackWith(abi.encodeCall(IFeeVault.withdrawCredit, (NATIVE, address(hostile), 1)), 0);
        settle(request);
        assertRefused(IFeeVault.CreditTooLow.selector);
    }

    function test_Redeliver_DeliversWhatFailed() public {
        Request memory request = settledIn(HostileConsumer.Mood.Revert);
        hostile.behave(HostileConsumer.Mood.Calm);
        vm.expectEmit(address(oracle));
        emit IInferenceOracle.Redelivered(request.id());
        oracle.redeliver(request, output);
        assertEq(hostile.results(), 1);
        assertEq(hostile.lastOutput(), output);
        assertEq(uint8(oracle.status(request.id())), uint8(RequestStatus.Settled));
        assertTrue(oracle.verifyOutput(request.id(), output));
    }

    function test_Redeliver_GivesMoreGasWhenGivenMore() public {
        Request memory request = settledIn(HostileConsumer.Mood.Revert);
        hostile.behave(HostileConsumer.Mood.Calm);
        oracle.redeliver{gas: 3_000_000}(request, output);
        assertGt(hostile.gasSeen(), 2_500_000);
    }

    function test_RevertWhen_RedeliveringWithLessGasThanAsked() public {
        Request memory request = settledIn(HostileConsumer.Mood.Revert);
        hostile.behave(HostileConsumer.Mood.Calm);
        vm.expectPartialRevert(IInferenceOracle.NotEnoughGas.selector);
        oracle.redeliver{gas: 200_000}(request, output);
    }

    function test_RevertGiven_AlreadyRedelivered() public {
        Request memory request = settledIn(HostileConsumer.Mood.Revert);
        hostile.behave(HostileConsumer.Mood.Calm);
        oracle.redeliver(request, output);
        vm.expectRevert(
            abi.encodeWithSelector(IInferenceOracle.NothingToRedeliver.selector, request.id(), RequestStatus.Settled)
        );
        oracle.redeliver(request, output);
    }

    function test_RevertWhen_RedeliveringAnotherOutput() public {
        Request memory request = settledIn(HostileConsumer.Mood.Revert);
        bytes memory other = "another output";
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.WrongOutput.selector, request.id(), keccak256(other)));
        oracle.redeliver(request, other);
    }

    function test_RevertWhen_TheRedeliveryFailsToo() public {
        Request memory request = settledIn(HostileConsumer.Mood.Revert);
        vm.expectRevert(
            abi.encodeWithSelector(
                IInferenceOracle.RedeliveryFailed.selector,
                request.id(),
                abi.encodeWithSelector(HostileConsumer.Refused.selector)
            )
        );
        oracle.redeliver(request, output);
        assertEq(uint8(oracle.status(request.id())), uint8(RequestStatus.CallbackFailed));
    }

    function test_RevertWhen_AStrangerCallsBack() public {
        vm.expectRevert(abi.encodeWithSelector(InferenceConsumer.OnlyOracle.selector, address(this)));
        consumer.onInference(0, output);
        vm.expectRevert(abi.encodeWithSelector(InferenceConsumer.OnlyOracle.selector, address(this)));
        consumer.onExpired(0, 1, 1);
    }

    function test_Callback_AConsumerWithoutCodeIsSettledToo() public {
        RequestParams memory p = params();
        uint256 cost = costOf(p);
        vm.recordLogs();
        vm.prank(asker);
        bytes32 id = oracle.request{value: cost}(p);
        remember(vm.getRecordedLogs());
        nextBlock();
        settle(opened[id]);
        assertEq(uint8(oracle.status(id)), uint8(RequestStatus.Settled));
    }

    function test_Expire_RefundsEverything() public {
        Request memory request = openFor(hostile, params());
        uint256 paid = costOf(params());
        expire(request);
        assertEq(oracle.creditOf(address(hostile), NATIVE), paid);
        assertEq(hostile.expiries(), 1);
        assertEq(hostile.lastRefund(), paid);
        assertEq(uint8(oracle.status(request.id())), uint8(RequestStatus.None));
        hostile.withdraw(asker, paid);
        assertEq(address(oracle).balance, 0);
    }

    function test_RevertGiven_TheDeadlineIsNotPast() public {
        Request memory request = openFor(hostile, params());
        uint256 deadline = request.terms.deadline();
        vm.warp(deadline);
        vm.expectRevert(
            abi.encodeWithSelector(IInferenceOracle.DeadlineNotPassed.selector, request.id(), deadline, deadline)
        );
        oracle.expire(request);
    }

    function test_RevertGiven_AlreadyExpired() public {
        Request memory request = openFor(hostile, params());
        expire(request);
        vm.expectRevert(
            abi.encodeWithSelector(IInferenceOracle.RequestNotOpen.selector, request.id(), RequestStatus.None)
        );
        oracle.expire(request);
    }

    function test_Expire_NoMoodBlocksIt() public {
        HostileConsumer.Mood[3] memory moods =
            [HostileConsumer.Mood.Revert, HostileConsumer.Mood.RevertHuge, HostileConsumer.Mood.BurnGas];
        uint256 refunded;
        for (uint256 i = 0; i < moods.length; ++i) {
            hostile.behave(HostileConsumer.Mood.Calm);
            Request memory request = openFor(hostile, params());
            refunded += costOf(params());
            hostile.behave(moods[i]);
            uint256 before = gasleft();
            expire(request);
            assertLt(before - gasleft(), 300_000);
            assertEq(oracle.creditOf(address(hostile), NATIVE), refunded);
        }
        assertEq(hostile.expiries(), 0);
    }

    function test_Expire_TheHookMayWithdraw() public {
        Request memory request = openFor(hostile, params());
        uint256 paid = costOf(params());
        hostile.callBackWith(abi.encodeCall(IFeeVault.withdrawCredit, (NATIVE, address(hostile), paid)), 0);
        expire(request);
        assertEq(address(hostile).balance, paid);
        assertEq(oracle.creditOf(address(hostile), NATIVE), 0);
    }

    function test_RevertWhen_ExpiringWithTooLittleGasForTheHook() public {
        Request memory request = openFor(hostile, params());
        vm.warp(uint256(request.terms.deadline()) + 1);
        vm.expectPartialRevert(IInferenceOracle.NotEnoughGas.selector);
        oracle.expire{gas: 150_000}(request);
    }

    /// @dev With gas for what the hostile consumer writes down.
    function roomy() private view returns (RequestParams memory p) {
        p = params();
        p.callbackGasLimit = 1_000_000;
    }

    function settledIn(HostileConsumer.Mood mood) private returns (Request memory request) {
        request = openFor(hostile, params());
        hostile.behave(mood);
        settle(request);
    }

    function assertFailedAndPaid(Request memory request) private view {
        assertEq(uint8(oracle.status(request.id())), uint8(RequestStatus.CallbackFailed));
        assertTrue(oracle.verifyOutput(request.id(), output));
        assertEq(hostile.results(), 0);
        for (uint32 id = 1; id <= 3; ++id) {
            assertGt(oracle.earningsOf(id, NATIVE), 0);
        }
    }

    /// @dev What the consumer tried from its callback failed with `selector`, and the settlement stands.
    function assertRefused(bytes4 selector) private view {
        assertFalse(hostile.innerSucceeded());
        assertEq(bytes4(hostile.innerReturn()), selector);
        assertEq(hostile.results(), 1);
    }

    function reasonIn(Vm.Log[] memory logs) private pure returns (bytes memory) {
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] == IInferenceOracle.CallbackFailed.selector) {
                return abi.decode(logs[i].data, (bytes));
            }
        }
        revert("no CallbackFailed among the logs");
    }
}
