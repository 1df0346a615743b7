// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ChallengeFixture} from "./support/ChallengeFixture.sol";
import {HostileConsumer} from "./support/HostileConsumer.sol";
import {IInferenceOracle} from "@sibyl/contracts/interfaces/IInferenceOracle.sol";
import {IProposals} from "@sibyl/contracts/interfaces/IProposals.sol";
import {Attestation} from "@sibyl/contracts/types/Attestation.sol";
import {Proposal} from "@sibyl/contracts/types/Proposal.sol";
import {Request} from "@sibyl/contracts/types/Request.sol";
import {RequestParams} from "@sibyl/contracts/types/RequestParams.sol";
import {RequestStatus} from "@sibyl/contracts/types/RequestStatus.sol";
import {Settlement} from "@sibyl/contracts/types/Settlement.sol";
import {Verdict} from "@sibyl/contracts/types/Verdict.sol";

/// Given no current arbiter: a request with a window is refused.
/// Given an arbiter
///   when the window is too long, or the model has too few seats to judge: the request is refused;
///   when a quorum settles: the request is proposed; nobody is paid or called; its output is not verified;
/// Given proposed
///   when the window runs: no finalize, no expire, no second settle; the arbiter may suspend to the last second;
///   when it is over: no suspend; anybody finalizes, also after the deadline, once; fee, gas and refund add up;
///   when the callback fails: the request is settled and can be redelivered;
/// Given challenged
///   only the arbiter rules or annuls, once; nobody finalizes, expires or suspends again.
contract ChallengeTest is ChallengeFixture {
    Request internal request;
    Proposal internal proposal;

    function setUp() public override {
        super.setUp();
        request = openWindowed();
        proposal = propose(request);
    }

    // Asking

    function test_RevertGiven_NoArbiterIsCurrent() public {
        vm.prank(owner);
        oracle.activateArbiter(0);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.ChallengeWindowNotOffered.selector, WINDOW));
        oracle.request{value: 1 ether}(windowed());
    }

    function test_RevertWhen_TheWindowIsTooLong() public {
        RequestParams memory p = windowed();
        p.policy.challengeWindow = 1 days + 1;
        vm.expectRevert(abi.encodeWithSelector(IProposals.ChallengeWindowTooLong.selector, 1 days + 1, 1 days));
        oracle.request{value: 1 ether}(p);
    }

    function test_RevertGiven_TooFewSeatsToJudge() public {
        for (uint32 id = 7; id <= 9; ++id) {
            vm.prank(ownerOf(id));
            operators.unenroll(MODEL);
        }
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.TooFewOperators.selector, MODEL, 6, 7));
        oracle.request{value: 1 ether}(windowed());
    }

    function test_Request_CarriesWindowAndArbiter() public {
        assertEq(request.opening.challengeWindow(), WINDOW);
        assertEq(request.opening.arbiterIndex(), 1);
        Request memory plain = open(params());
        assertEq(plain.opening.challengeWindow(), 0);
        assertEq(plain.opening.arbiterIndex(), 0);
    }

    function test_Request_KeepsItsArbiterWhenAnotherBecomesCurrent() public {
        vm.prank(owner);
        oracle.activateArbiter(0);
        challenge(request, proposal);
        assertStatus(RequestStatus.Challenged);
    }

    function test_Quote_ReservesGasForFinalizing() public view {
        RequestParams memory plain = params();
        assertEq(costOf(windowed()) - costOf(plain), 75_000 * uint256(GAS_PRICE));
    }

    // Proposing

    function test_Settle_ProposesAndPaysNobody() public view {
        assertStatus(RequestStatus.Proposed);
        assertEq(consumer.results(), 0);
        assertFalse(oracle.verifyOutput(request.id(), output));
        assertEq(owedWei(), 0);
        assertEq(address(oracle).balance, uint256(request.funds.fee()) + request.funds.gasReserve());
    }

    function test_Settle_LogsTheProposal() public view {
        assertEq(proposal.outputHash, keccak256(output));
        assertEq(proposal.signers, uint256(1) << 224 | uint256(2) << 192 | uint256(3) << 160);
        assertEq(proposal.proposedAt, vm.getBlockTimestamp());
        assertEq(proposal.submitterId, 1);
        assertGt(proposal.gasOwed, 50_000 * 10 gwei);
        assertEq(proposal.gasOwed % 10 gwei, 0);
    }

    function test_Settle_OwesNothingToAStrangerWhoSubmits() public {
        Request memory second = openWindowed();
        vm.recordLogs();
        oracle.settle(second, output, 0, attest(second));
        Proposal memory byStranger = proposalIn(vm.getRecordedLogs());
        assertEq(byStranger.submitterId, 0);
        assertEq(byStranger.gasOwed, 0);
    }

    function test_SettleBatch_ProposesWhatWantsAWindow() public {
        Settlement[] memory items = new Settlement[](2);
        Request memory second = openWindowed();
        Request memory plain = open(params());
        skip(60);
        items[0] = Settlement(second, output, 0, attest(second));
        items[1] = Settlement(plain, output, 0, attest(plain));
        vm.recordLogs();
        vm.prank(attesterOf(1));
        bytes4[] memory results = oracle.settleBatch(items);
        assertEq(results[0], 0);
        assertEq(results[1], 0);
        assertEq(consumer.results(), 1);
        proposal = proposalIn(vm.getRecordedLogs());
        request = second;
        passWindow();
        oracle.finalize(second, proposal, output);
        assertEq(consumer.results(), 2);
    }

    function test_RevertGiven_ProposedAlready() public {
        Attestation[] memory attestations = attest(request);
        vm.expectRevert(notOpen(RequestStatus.Proposed));
        oracle.settle(request, output, 0, attestations);
        vm.warp(uint256(request.terms.deadline()) + 1);
        vm.expectRevert(notOpen(RequestStatus.Proposed));
        oracle.expire(request);
    }

    // Finalizing

    function test_RevertGiven_TheWindowIsNotOver() public {
        uint256 endsAt = uint256(proposal.proposedAt) + WINDOW;
        vm.warp(endsAt);
        vm.expectRevert(
            abi.encodeWithSelector(IProposals.ChallengeWindowNotOver.selector, request.id(), endsAt, endsAt)
        );
        oracle.finalize(request, proposal, output);
    }

    function test_Finalize_PaysAndCallsBack() public {
        passWindow();
        oracle.finalize(request, proposal, output);
        assertStatus(RequestStatus.Settled);
        assertEq(consumer.results(), 1);
        assertEq(consumer.lastOutput(), output);
        assertTrue(oracle.verifyOutput(request.id(), output));
        uint256 each = (request.funds.fee() - request.funds.fee() * uint256(ROYALTY_BPS + PROTOCOL_BPS) / 10_000) / 3;
        assertEq(oracle.earningsOf(2, NATIVE), each);
        assertEq(oracle.earningsOf(1, NATIVE), each + proposal.gasOwed);
        assertEq(oracle.creditOf(address(consumer), NATIVE), request.funds.gasReserve() - proposal.gasOwed);
        assertEq(owedWei(), address(oracle).balance);
    }

    function test_Finalize_LogsWhatLeftTheReserve() public {
        passWindow();
        vm.recordLogs();
        vm.prank(attesterOf(2));
        oracle.finalize(request, proposal, output);
        (uint256 signers, uint256 gasPaid) = settlementIn(vm.getRecordedLogs());
        assertEq(signers, proposal.signers);
        assertEq(gasPaid, request.funds.gasReserve() - oracle.creditOf(address(consumer), NATIVE));
        uint256 forFinalizing = oracle.earningsOf(2, NATIVE) - oracle.earningsOf(3, NATIVE);
        assertEq(gasPaid, proposal.gasOwed + forFinalizing);
        assertGt(forFinalizing, 50_000 * 10 gwei);
    }

    function test_Finalize_RepaysNoOperatorThatDidNotSign() public {
        passWindow();
        vm.prank(attesterOf(9));
        oracle.finalize(request, proposal, output);
        assertEq(oracle.earningsOf(9, NATIVE), 0);
    }

    function test_Finalize_WorksAfterTheDeadline() public {
        vm.warp(uint256(request.terms.deadline()) + 10 days);
        oracle.finalize(request, proposal, output);
        assertEq(consumer.results(), 1);
    }

    function test_RevertGiven_FinalizedAlready() public {
        passWindow();
        oracle.finalize(request, proposal, output);
        vm.expectRevert(notProposed(RequestStatus.Settled));
        oracle.finalize(request, proposal, output);
    }

    function test_RevertGiven_NeverProposed() public {
        Request memory second = openWindowed();
        vm.expectRevert(abi.encodeWithSelector(IProposals.RequestNotProposed.selector, second.id(), RequestStatus.Open));
        oracle.finalize(second, proposal, output);
    }

    function test_RevertWhen_TheOutputIsAnother() public {
        passWindow();
        vm.expectRevert(
            abi.encodeWithSelector(IInferenceOracle.WrongOutput.selector, request.id(), keccak256(otherOutput))
        );
        oracle.finalize(request, proposal, otherOutput);
    }

    function testFuzz_RevertWhen_AWordOfTheProposalIsChanged(uint8 which, uint256 flip) public {
        uint8[5] memory bits = [0, 0, 32, 40, 96];
        uint256 width = bits[which % 5];
        if (width != 0) flip &= (1 << width) - 1;
        vm.assume(flip != 0);
        uint256[5] memory words = abi.decode(abi.encode(proposal), (uint256[5]));
        words[which % 5] ^= flip;
        Proposal memory changed = abi.decode(abi.encode(words), (Proposal));
        passWindow();
        vm.expectRevert(abi.encodeWithSelector(IProposals.WrongProposal.selector, request.id(), changed.hash()));
        oracle.finalize(request, changed, output);
    }

    function test_RevertWhen_TheProposalIsOfAnotherRequest() public {
        Request memory second = openWindowed();
        skip(1);
        Proposal memory other = propose(second);
        passWindow();
        vm.expectPartialRevert(IProposals.WrongProposal.selector);
        oracle.finalize(request, other, output);
    }

    function test_Finalize_IsNotHeldUpByTheConsumer() public {
        for (uint8 mood = 1; mood < 4; ++mood) {
            HostileConsumer hostile = new HostileConsumer(oracle, settings());
            hostile.behave(HostileConsumer.Mood(mood));
            Request memory hostiles = openFor(hostile, windowed());
            skip(60);
            Proposal memory its = propose(hostiles);
            skip(WINDOW + 1);
            oracle.finalize(hostiles, its, output);
            assertEq(uint8(oracle.status(hostiles.id())), uint8(RequestStatus.CallbackFailed));
            assertTrue(oracle.verifyOutput(hostiles.id(), output));
            hostile.behave(HostileConsumer.Mood.Calm);
            oracle.redeliver(hostiles, output);
            assertEq(hostile.results(), 1);
        }
    }

    function test_Finalize_CannotBeReentered() public {
        HostileConsumer hostile = new HostileConsumer(oracle, settings());
        RequestParams memory p = windowed();
        p.callbackGasLimit = 1_000_000;
        Request memory hostiles = openFor(hostile, p);
        skip(60);
        Proposal memory its = propose(hostiles);
        skip(WINDOW + 1);
        hostile.callBackWith(abi.encodeCall(IProposals.finalize, (hostiles, its, output)), 0);
        oracle.finalize(hostiles, its, output);
        assertFalse(hostile.innerSucceeded());
        assertEq(bytes4(hostile.innerReturn()), IProposals.RequestNotProposed.selector);
        assertEq(hostile.results(), 1);
    }

    function testFuzz_Finalize_SplitsEveryWei(uint96 price, uint16 royaltyBps, uint64 gasPrice, uint64 laterPrice)
        public
    {
        price = uint96(bound(price, 0, 1e24));
        royaltyBps = uint16(bound(royaltyBps, 0, 5000));
        vm.prank(publisher);
        models.setPrice(MODEL, 0, price, 0, royaltyBps);
        vm.deal(asker, type(uint128).max);
        RequestParams memory p = windowed();
        p.maxFee = type(uint96).max;
        uint256 before = address(oracle).balance - owedWei();
        Request memory dear = open(p);
        skip(60);
        vm.txGasPrice(gasPrice);
        Proposal memory its = propose(dear);
        assertEq(owedWei(), 0);
        skip(WINDOW + 1);
        vm.txGasPrice(laterPrice);
        vm.prank(attesterOf(3));
        oracle.finalize(dear, its, output);
        assertEq(owedWei(), address(oracle).balance - before);
        assertLe(its.gasOwed, dear.funds.gasReserve());
    }

    // Suspending

    function test_RevertWhen_AnybodyElseActsAsArbiter() public {
        Verdict memory verdict = Verdict({signers: proposal.signers, resolver: address(this), gasUsed: 0});
        bytes memory refusal = abi.encodeWithSelector(
            IProposals.NotArbiterOfRequest.selector, request.id(), address(arbiter), address(this)
        );
        vm.expectRevert(refusal);
        oracle.suspend(request, proposal);
        challenge(request, proposal);
        vm.expectRevert(refusal);
        oracle.rule(request, proposal, output, verdict);
        vm.expectRevert(refusal);
        oracle.annul(request, proposal);
    }

    function test_Suspend_TakesTheLastSecond() public {
        vm.warp(uint256(proposal.proposedAt) + WINDOW);
        vm.expectEmit(address(oracle));
        emit IProposals.ProposalSuspended(request.id(), address(arbiter), proposal.hash());
        vm.prank(address(arbiter));
        oracle.suspend(request, proposal);
        assertStatus(RequestStatus.Challenged);
        assertFalse(oracle.verifyOutput(request.id(), output));
    }

    function test_RevertGiven_TheWindowIsOver() public {
        uint256 endsAt = uint256(proposal.proposedAt) + WINDOW;
        vm.warp(endsAt + 1);
        vm.prank(address(arbiter));
        vm.expectRevert(
            abi.encodeWithSelector(IProposals.ChallengeWindowOver.selector, request.id(), endsAt, endsAt + 1)
        );
        oracle.suspend(request, proposal);
    }

    function test_RevertGiven_Challenged() public {
        challenge(request, proposal);
        vm.expectRevert(notProposed(RequestStatus.Challenged));
        vm.prank(address(arbiter));
        oracle.suspend(request, proposal);
        vm.warp(uint256(request.terms.deadline()) + 10 days);
        vm.expectRevert(notProposed(RequestStatus.Challenged));
        oracle.finalize(request, proposal, output);
        vm.expectRevert(notOpen(RequestStatus.Challenged));
        oracle.expire(request);
    }

    // Ruling and annulling

    function test_RevertGiven_NotChallenged() public {
        Verdict memory verdict = Verdict({signers: proposal.signers, resolver: address(this), gasUsed: 0});
        bytes memory refusal =
            abi.encodeWithSelector(IProposals.RequestNotChallenged.selector, request.id(), RequestStatus.Proposed);
        vm.startPrank(address(arbiter));
        vm.expectRevert(refusal);
        oracle.rule(request, proposal, output, verdict);
        vm.expectRevert(refusal);
        oracle.annul(request, proposal);
    }

    function test_RevertWhen_TheArbiterNamesAnotherProposal() public {
        challenge(request, proposal);
        Proposal memory changed = abi.decode(abi.encode(proposal), (Proposal));
        changed.gasOwed = type(uint96).max;
        vm.prank(address(arbiter));
        vm.expectRevert(abi.encodeWithSelector(IProposals.WrongProposal.selector, request.id(), changed.hash()));
        oracle.annul(request, changed);
    }

    function test_RevertWhen_AVerdictPaysNobody() public {
        challenge(request, proposal);
        vm.prank(address(arbiter));
        vm.expectRevert(abi.encodeWithSelector(IProposals.VerdictPaysNobody.selector, request.id()));
        oracle.rule(request, proposal, output, Verdict({signers: 0, resolver: address(this), gasUsed: 0}));
    }

    /// @dev Whatever the arbiter says that it used, no wei leaves that the request did not bring.
    function testFuzz_Rule_SplitsEveryWei(uint64 gasUsed, uint8 signerCount, bool stands, uint64 gasPrice) public {
        signerCount = uint8(bound(signerCount, 1, 8));
        uint256 signers;
        for (uint32 id = 1; id <= signerCount; ++id) {
            signers |= uint256(id) << 32 * (8 - id);
        }
        challenge(request, proposal);
        uint256 before = address(oracle).balance;
        vm.txGasPrice(gasPrice);
        vm.prank(address(arbiter));
        oracle.rule(
            request,
            proposal,
            stands ? output : otherOutput,
            Verdict({signers: signers, resolver: attesterOf(1), gasUsed: gasUsed})
        );
        assertEq(address(oracle).balance, before);
        assertEq(owedWei(), before);
    }

    function test_Annul_RefundsAllAndTellsTheConsumer() public {
        challenge(request, proposal);
        vm.expectEmit(address(oracle));
        emit IInferenceOracle.RequestExpired(request.id(), request.funds);
        vm.prank(address(arbiter));
        oracle.annul(request, proposal);
        assertStatus(RequestStatus.None);
        assertEq(consumer.expiries(), 1);
        uint256 all = uint256(request.funds.fee()) + request.funds.gasReserve();
        assertEq(oracle.creditOf(address(consumer), NATIVE), all);
        assertEq(owedWei(), all);
    }

    // Support

    function passWindow() private {
        vm.warp(uint256(proposal.proposedAt) + WINDOW + 1);
    }

    function assertStatus(RequestStatus expected) private view {
        assertEq(uint8(oracle.status(request.id())), uint8(expected));
    }

    function notOpen(RequestStatus status) private view returns (bytes memory) {
        return abi.encodeWithSelector(IInferenceOracle.RequestNotOpen.selector, request.id(), status);
    }

    function notProposed(RequestStatus status) private view returns (bytes memory) {
        return abi.encodeWithSelector(IProposals.RequestNotProposed.selector, request.id(), status);
    }
}
