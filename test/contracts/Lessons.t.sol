// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {HostileConsumer} from "./support/HostileConsumer.sol";
import {OracleFixture} from "./support/OracleFixture.sol";
import {RecordingConsumer} from "./support/RecordingConsumer.sol";
import {IInferenceOracle} from "@sibyl/contracts/interfaces/IInferenceOracle.sol";
import {Policies} from "@sibyl/contracts/libraries/Policies.sol";
import {Attestation} from "@sibyl/contracts/types/Attestation.sol";
import {Request} from "@sibyl/contracts/types/Request.sol";
import {RequestParams} from "@sibyl/contracts/types/RequestParams.sol";
import {RequestStatus} from "@sibyl/contracts/types/RequestStatus.sol";
import {Settlement} from "@sibyl/contracts/types/Settlement.sol";

/// What went wrong with other oracles, each as a test of ours. Lessons about nodes are tests of the coprocessor:
/// - one malformed request stalls nothing: chain/rpcChain.test.ts, "malformed logs: logged, yielded as such, and followed by
///   the rest";
/// - an error on the way to the input, or in the engine, is never delivered as a result: inference/isolation.test.ts, "a crash:
///   fails the job that it hit and no other, and the process is replaced"; inference/tasks.test.ts, "bad vector: numbers that
///   the graph cannot take";
/// - nothing is lost on restart: store/crash.test.ts, "no acknowledged row or job is lost, its lock is taken over, and the job
///   under way runs again within 10 s"; chain/rpcChain.test.ts, "restarted half-way: no event twice, none lost";
/// - reorgs are undone: pipeline/outbox.test.ts, "a reorg that the follower reported: rewound rows are driven again";
/// - what seemed to fail may have landed: core/outbox.test.ts, "mined: by whichever attempt landed".
contract LessonsTest is OracleFixture {
    // Infernet

    function test_Lesson_ThreeDifferentAnswersNeverCountAsAgreement() public {
        Request memory request = open(params());
        Attestation[] memory attestations = new Attestation[](3);
        for (uint32 id = 1; id <= 3; ++id) {
            attestations[id - 1] = sign(id, request, abi.encode("answer", id), 0);
        }
        for (uint32 id = 1; id <= 3; ++id) {
            // Whichever of them is submitted, only one operator stands behind it.
            vm.expectPartialRevert(IInferenceOracle.WrongSignature.selector);
            oracle.settle(request, abi.encode("answer", id), 0, attestations);
        }
        assertEq(uint8(oracle.status(request.id())), uint8(RequestStatus.Open));
    }

    function test_Lesson_EveryRequestHasADeadlineAndARefund() public {
        RequestParams memory p = params();
        p.deadline = type(uint40).max;
        uint256 cost = costOf(p);
        vm.prank(asker);
        vm.expectPartialRevert(IInferenceOracle.DeadlineOutOfBounds.selector);
        consumer.askWith{value: cost}(p);

        Request memory request = open(params());
        expire(request);
        assertEq(oracle.creditOf(address(consumer), NATIVE), cost);
    }

    function test_Lesson_ACallbackCannotRevertDelivery() public {
        HostileConsumer hostile = new HostileConsumer(oracle, settings());
        for (uint8 mood = 1; mood <= 3; ++mood) {
            input = abi.encode(mood);
            Request memory request = openFor(hostile, params());
            hostile.behave(HostileConsumer.Mood(mood));
            settle(request);
            assertEq(uint8(oracle.status(request.id())), uint8(RequestStatus.CallbackFailed));
            assertTrue(oracle.verifyOutput(request.id(), output));
        }
    }

    function test_Lesson_EscrowIsSpentOnce() public {
        Request memory request = open(params());
        uint256 fee = request.funds.fee();
        settle(request);
        uint256 paid = earnedInFees();
        assertEq(paid, fee);
        vm.expectPartialRevert(IInferenceOracle.RequestNotOpen.selector);
        oracle.expire(request);
        Attestation[] memory attestations = attest(request);
        vm.expectPartialRevert(IInferenceOracle.RequestNotOpen.selector);
        oracle.settle(request, output, 0, attestations);
        assertEq(earnedInFees(), fee);
    }

    function test_Lesson_ACopiedSettlementEarnsTheCopierNothing() public {
        Request memory request = open(params());
        Attestation[] memory attestations = attest(request);
        address copier = makeAddr("copier");
        vm.prank(copier);
        oracle.settle(request, output, 0, attestations);
        assertEq(oracle.creditOf(copier, NATIVE), 0);
        assertEq(oracle.creditOf(address(consumer), NATIVE), request.funds.gasReserve());
        assertEq(oracle.earningsOf(1, NATIVE), oracle.earningsOf(3, NATIVE));
    }

    // ORA

    function test_Lesson_NobodyReplaysAConsumersCallback() public {
        Request memory request = open(params());
        settle(request);
        vm.expectPartialRevert(IInferenceOracle.NothingToRedeliver.selector);
        oracle.redeliver(request, output);
        bytes32 id = request.id();
        vm.expectRevert();
        consumer.onInference(id, output);
        assertEq(consumer.results(), 1);
    }

    function test_Lesson_IdenticalRequestsOfOneBlockHaveTheirOwnIds() public {
        RequestParams memory p = params();
        uint256 cost = costOf(p);
        vm.startPrank(asker);
        bytes32 first = consumer.askWith{value: cost}(p);
        bytes32 second = consumer.askWith{value: cost}(p);
        vm.stopPrank();
        assertNotEq(first, second);
        assertEq(uint8(oracle.status(first)), uint8(RequestStatus.Open));
        assertEq(uint8(oracle.status(second)), uint8(RequestStatus.Open));
    }

    function test_Lesson_ARequestIsFulfilledOnce() public {
        Request memory request = open(params());
        Settlement[] memory items = new Settlement[](3);
        for (uint256 i = 0; i < 3; ++i) {
            items[i] = Settlement(request, output, 0, attest(request));
        }
        bytes4[] memory results = oracle.settleBatch(items);
        assertEq(results[0], bytes4(0));
        assertEq(results[1], IInferenceOracle.RequestNotOpen.selector);
        assertEq(results[2], IInferenceOracle.RequestNotOpen.selector);
        assertEq(consumer.results(), 1);
    }

    /// @dev There the fee followed the last fulfiller's gas price.
    function test_Lesson_ASettlersGasPriceMovesNoFee() public {
        Request memory request = open(params());
        uint256 before = costOf(params());
        vm.txGasPrice(500 gwei);
        vm.recordLogs();
        settle(request);
        assertLe(gasPaidIn(vm.getRecordedLogs()), request.funds.gasReserve());
        assertEq(costOf(params()), before);
    }

    // Chainlink Functions

    function test_Lesson_AFailedCallbackIsRetriedWithoutPayingAgain() public {
        HostileConsumer hostile = new HostileConsumer(oracle, settings());
        Request memory request = openFor(hostile, params());
        hostile.behave(HostileConsumer.Mood.Revert);
        settle(request);
        uint256 paid = earnedInFees();
        hostile.behave(HostileConsumer.Mood.Calm);
        oracle.redeliver(request, output);
        assertEq(hostile.lastOutput(), output);
        assertEq(earnedInFees(), paid);
    }

    /// @dev There a result has at most 256 bytes.
    function test_Lesson_AResultMayBeLong() public {
        bytes memory long = new bytes(8192);
        for (uint256 i = 0; i < long.length; ++i) {
            long[i] = 0xa5;
        }
        output = long;
        RequestParams memory p = params();
        p.callbackGasLimit = 2_000_000;
        HostileConsumer asking = new HostileConsumer(oracle, settings());
        Request memory request = openFor(asking, p);
        settle(request);
        assertTrue(oracle.verifyOutput(request.id(), output));
        // Storing 8 KiB takes more gas than the callback had; anybody may give it more.
        oracle.redeliver(request, output);
        assertEq(keccak256(asking.lastOutput()), keccak256(output));
    }

    function test_Lesson_TheFirstCallNeedsNoSubscription() public {
        RecordingConsumer fresh = new RecordingConsumer(oracle, settings());
        uint256 cost = fresh.inferenceCost(MODEL, input.length);
        vm.prank(asker);
        bytes32 id = fresh.ask{value: cost}(MODEL, input);
        assertEq(uint8(oracle.status(id)), uint8(RequestStatus.Open));
    }

    // Galadriel

    function test_Lesson_AnInputCannotChangeAfterTheRequest() public {
        Request memory request = open(params());
        Attestation[] memory attestations = attest(request);
        bytes32 id = request.id();
        request.inputHash = keccak256("another input");
        assertNotEq(request.id(), id);
        vm.expectPartialRevert(IInferenceOracle.RequestNotOpen.selector);
        oracle.settle(request, output, 0, attestations);
    }

    // Marlin

    /// @dev There, if gas was dear, the callback was left out in silence.
    function test_Lesson_NoCallbackIsLeftOut() public {
        Request memory request = open(params());
        Attestation[] memory attestations = attest(request);
        bytes memory call = abi.encodeCall(oracle.settle, (request, output, 0, attestations));
        (bool success,) = address(oracle).call{gas: 200_000}(call);
        assertFalse(success);
        assertEq(uint8(oracle.status(request.id())), uint8(RequestStatus.Open));
        vm.txGasPrice(5000 gwei);
        settle(request);
        assertEq(consumer.results(), 1);
    }

    // An AVS that forgot the task's index

    function test_Lesson_ASignatureIsForOneRequestOnly() public {
        Request memory first = open(params());
        Attestation[] memory attestations = attest(first);
        // The same model, input, output and signers.
        Request memory second = open(params());
        vm.expectPartialRevert(IInferenceOracle.WrongSignature.selector);
        oracle.settle(second, output, 0, attestations);
    }

    // Nosana, Golem

    function test_Lesson_EscrowComesBeforeWork() public {
        RequestParams memory p = params();
        uint256 cost = costOf(p);
        vm.prank(asker);
        vm.expectRevert();
        consumer.askWith{value: cost - 1}(p);
        open(p);
        assertEq(address(oracle).balance, cost);
    }

    function test_Lesson_OnlyAgreedOutputIsPaid() public {
        RequestParams memory p = paramsOf(Policies.threeUnanimous());
        Request memory request = open(p);
        expire(request);
        assertEq(earnedInFees(), 0);
        assertEq(oracle.creditOf(address(consumer), NATIVE), costOf(p));
    }

    /// @dev Fees that were paid out, without the gas that operator 1 was repaid.
    function earnedInFees() private view returns (uint256 sum) {
        (uint256 royalties, uint256 protocolShare) = oracle.sharesOf(MODEL, NATIVE);
        return 3 * oracle.earningsOf(2, NATIVE) + royalties + protocolShare;
    }
}
