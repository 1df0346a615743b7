// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ChallengeFixture} from "./support/ChallengeFixture.sol";
import {HostileConsumer} from "./support/HostileConsumer.sol";
import {JuryArbiter} from "@sibyl/contracts/arbiter/JuryArbiter.sol";
import {IInferenceOracle} from "@sibyl/contracts/interfaces/IInferenceOracle.sol";
import {DisputeStatus, IJuryArbiter} from "@sibyl/contracts/interfaces/IJuryArbiter.sol";
import {IOperatorRegistry} from "@sibyl/contracts/interfaces/IOperatorRegistry.sol";
import {IProposals} from "@sibyl/contracts/interfaces/IProposals.sol";
import {Attestation} from "@sibyl/contracts/types/Attestation.sol";
import {Dispute} from "@sibyl/contracts/types/Dispute.sol";
import {Policy} from "@sibyl/contracts/types/Policy.sol";
import {Proposal} from "@sibyl/contracts/types/Proposal.sol";
import {Request} from "@sibyl/contracts/types/Request.sol";
import {RequestParams} from "@sibyl/contracts/types/RequestParams.sol";
import {RequestStatus} from "@sibyl/contracts/types/RequestStatus.sol";
import {Settlement} from "@sibyl/contracts/types/Settlement.sol";
import {SignedOutput} from "@sibyl/contracts/types/SignedOutput.sol";

/// Given a proposal
///   when the bond is not exact, the window over or somebody came first: no challenge;
/// Given a dispute
///   when the jury is too small or too large, repeats, is not drawn, signed the proposal or signed something else, or the
///   verdict time is over: no verdict;
///   when c + 1 jurors agree with the proposal: upheld: signers paid as without a challenge, half of the bond slashed;
///   when c + 1 jurors agree on something else: overturned: jurors paid, signers punished, bond and reward to the challenger;
///   when the verdict time is over: anybody lapses it: request refunded, bond back;
/// Given a closed dispute: nothing more happens.
contract JuryArbiterTest is ChallengeFixture {
    Request internal request;
    Proposal internal proposal;

    function setUp() public override {
        super.setUp();
        request = openWindowed();
        proposal = propose(request);
    }

    // Policies that it can judge

    function test_SeatsNeeded_IsAJuryBesideTheSigners() public view {
        assertEq(arbiter.seatsNeeded(Policy(3, 3, 1)), 7);
        assertEq(arbiter.seatsNeeded(Policy(7, 5, 1)), 13);
        assertEq(arbiter.seatsNeeded(Policy(1, 1, 1)), 3);
    }

    function test_RevertWhen_TheCommitteeIsTooLargeToJudge() public {
        vm.expectRevert(abi.encodeWithSelector(IJuryArbiter.CommitteeTooLargeToJudge.selector, 8, 7));
        arbiter.seatsNeeded(Policy(8, 3, 1));
        vm.expectRevert(abi.encodeWithSelector(IJuryArbiter.QuorumTooLargeToJudge.selector, 8, 7));
        arbiter.seatsNeeded(Policy(7, 8, 1));
    }

    function test_RevertWhen_ItsTermsAreOutOfBounds() public {
        vm.expectRevert(abi.encodeWithSelector(IJuryArbiter.BondOutOfBounds.selector, 1, 0.0001 ether));
        new JuryArbiter(oracle, 1, 1 hours);
        vm.expectRevert(abi.encodeWithSelector(IJuryArbiter.VerdictTimeOutOfBounds.selector, 59, 60, 12 hours));
        new JuryArbiter(oracle, 1 ether, 59);
        vm.expectRevert(
            abi.encodeWithSelector(IJuryArbiter.VerdictTimeOutOfBounds.selector, 12 hours + 1, 60, 12 hours)
        );
        new JuryArbiter(oracle, 1 ether, 12 hours + 1);
    }

    // Challenging

    function test_Challenge_LogsTheDisputeAndHoldsTheBond() public {
        Dispute memory dispute = challenge(request, proposal);
        assertEq(dispute.proposal.hash(), proposal.hash());
        assertEq(dispute.challenger, challenger);
        assertEq(dispute.challengedAt, proposal.proposedAt);
        assertEq(address(arbiter).balance, BOND);
        assertDispute(dispute, DisputeStatus.Open);
    }

    function test_Challenge_TakesTheLastSecond() public {
        vm.warp(uint256(proposal.proposedAt) + WINDOW);
        challenge(request, proposal);
        assertEq(uint8(oracle.status(request.id())), uint8(RequestStatus.Challenged));
    }

    function test_RevertGiven_TheWindowIsOver() public {
        uint256 endsAt = uint256(proposal.proposedAt) + WINDOW;
        vm.warp(endsAt + 1);
        vm.prank(challenger);
        vm.expectRevert(
            abi.encodeWithSelector(IProposals.ChallengeWindowOver.selector, request.id(), endsAt, endsAt + 1)
        );
        arbiter.challenge{value: BOND}(request, proposal);
    }

    function test_RevertWhen_TheBondIsNotExact() public {
        vm.expectRevert(abi.encodeWithSelector(IJuryArbiter.WrongBond.selector, BOND - 1, BOND));
        arbiter.challenge{value: BOND - 1}(request, proposal);
        vm.expectRevert(abi.encodeWithSelector(IJuryArbiter.WrongBond.selector, BOND + 1, BOND));
        arbiter.challenge{value: BOND + 1}(request, proposal);
    }

    function test_RevertGiven_ChallengedAlready() public {
        challenge(request, proposal);
        vm.prank(asker);
        vm.expectRevert(
            abi.encodeWithSelector(IProposals.RequestNotProposed.selector, request.id(), RequestStatus.Challenged)
        );
        arbiter.challenge{value: BOND}(request, proposal);
    }

    function test_RevertGiven_AnotherArbiterIsTheRequests() public {
        JuryArbiter other = new JuryArbiter(oracle, BOND, VERDICT_SECONDS);
        vm.prank(owner);
        oracle.listArbiter(other);
        vm.prank(challenger);
        vm.expectRevert(
            abi.encodeWithSelector(
                IProposals.NotArbiterOfRequest.selector, request.id(), address(arbiter), address(other)
            )
        );
        other.challenge{value: BOND}(request, proposal);
    }

    // Upheld

    function test_Resolve_UpheldPaysTheSignersAndSlashesHalfTheBond() public {
        Dispute memory dispute = challenge(request, proposal);
        uint256 slashedBefore = operators.slashedFunds();
        resolve(dispute, output);

        assertDispute(dispute, DisputeStatus.Upheld);
        assertEq(uint8(oracle.status(request.id())), uint8(RequestStatus.Settled));
        assertTrue(oracle.verifyOutput(request.id(), output));
        assertEq(consumer.results(), 1);
        assertEq(operators.slashedFunds() - slashedBefore, BOND / 2);
        assertEq(address(arbiter).balance, 0);
        assertEq(oracle.creditOf(challenger, NATIVE), 0);
        assertEq(oracle.earningsOf(FIRST_JUROR, NATIVE), BOND / 16);
        uint256 dust = BOND / 4 - BOND / 4 / 3 * 3;
        assertEq(oracle.earningsOf(2, NATIVE), feePerSigner(3) + BOND / 4 / 3);
        assertEq(oracle.earningsOf(1, NATIVE), feePerSigner(3) + BOND / 4 / 3 + dust + proposal.gasOwed);
        assertEq(operators.stakeOf(1), STAKE);
        assertEq(owedWei(), address(oracle).balance);
    }

    function test_Resolve_UpheldRepaysOnlyASignersGas() public {
        Dispute memory dispute = challenge(request, proposal);
        Attestation[] memory jury = judge(idOf(dispute, request), output);
        vm.prank(attesterOf(FIRST_JUROR));
        arbiter.resolve(request, dispute, output, 0, jury);
        assertEq(oracle.earningsOf(FIRST_JUROR, NATIVE), BOND / 16);
        assertEq(oracle.creditOf(address(consumer), NATIVE), request.funds.gasReserve() - proposal.gasOwed);
    }

    // Overturned

    function test_Resolve_OverturnedPaysJurorsAndPunishesSigners() public {
        Dispute memory dispute = challenge(request, proposal);
        resolve(dispute, otherOutput);

        assertDispute(dispute, DisputeStatus.Overturned);
        assertTrue(oracle.verifyOutput(request.id(), otherOutput));
        assertFalse(oracle.verifyOutput(request.id(), output));
        assertEq(consumer.lastOutput(), otherOutput);
        for (uint32 id = 1; id <= 3; ++id) {
            assertEq(oracle.earningsOf(id, NATIVE), 0);
            assertLt(operators.stakeOf(id), STAKE);
            assertFalse(operators.enrolmentOf(MODEL, id).exists());
        }
        assertEq(oracle.earningsOf(FIRST_JUROR, NATIVE), feePerSigner(4));
        assertEq(oracle.creditOf(challenger, NATIVE), BOND);
        uint256 lost = 3 * (STAKE - operators.stakeOf(1));
        assertEq(operators.rewardsOf(challenger), lost * operatorParameters().reporterBps / 10_000);
        assertEq(operators.slashedFunds(), lost - operators.rewardsOf(challenger));
        assertEq(oracle.creditOf(address(consumer), NATIVE), request.funds.gasReserve());
        assertEq(owedWei(), address(oracle).balance);
        assertEq(address(arbiter).balance, 0);
    }

    function test_Resolve_OverturnedRepaysTheJurorThatResolves() public {
        Dispute memory dispute = challenge(request, proposal);
        Attestation[] memory jury = judge(idOf(dispute, request), otherOutput);
        vm.prank(attesterOf(FIRST_JUROR));
        arbiter.resolve(request, dispute, otherOutput, 0, jury);
        uint256 paid = oracle.earningsOf(FIRST_JUROR, NATIVE) - feePerSigner(4);
        assertGt(paid, 200_000 * 10 gwei);
        assertLe(paid, request.funds.gasReserve());
        assertEq(owedWei(), address(oracle).balance);
    }

    function test_Resolve_PassesOverASignerThatWasSlashedMeanwhile() public {
        Dispute memory dispute = challenge(request, proposal);
        slashFully(2);
        resolve(dispute, otherOutput);
        assertEq(operators.stakeOf(2), 0);
        assertDispute(dispute, DisputeStatus.Overturned);
    }

    function test_RevertGiven_TheRegistryDoesNotTrustIt() public {
        Dispute memory dispute = challenge(request, proposal);
        vm.prank(owner);
        operators.distrustJudge(address(arbiter));
        Attestation[] memory jury = judge(idOf(dispute, request), otherOutput);
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.JudgeNotTrusted.selector, address(arbiter)));
        arbiter.resolve(request, dispute, otherOutput, 0, jury);
    }

    function test_Resolve_IsNotHeldUpByTheConsumer() public {
        for (uint8 mood = 1; mood < 4; ++mood) {
            HostileConsumer hostile = new HostileConsumer(oracle, settings());
            hostile.behave(HostileConsumer.Mood(mood));
            Request memory hostiles = openFor(hostile, windowed());
            skip(60);
            Dispute memory dispute = challenge(hostiles, propose(hostiles));
            Attestation[] memory jury = judge(idOf(dispute, hostiles), output);
            arbiter.resolve(hostiles, dispute, output, 0, jury);
            assertEq(uint8(oracle.status(hostiles.id())), uint8(RequestStatus.CallbackFailed));
            hostile.behave(HostileConsumer.Mood.Calm);
            oracle.redeliver(hostiles, output);
            assertEq(hostile.results(), 1);
        }
    }

    function test_Resolve_CannotBeReentered() public {
        HostileConsumer hostile = new HostileConsumer(oracle, settings());
        RequestParams memory p = windowed();
        p.callbackGasLimit = 1_000_000;
        Request memory hostiles = openFor(hostile, p);
        skip(60);
        Dispute memory dispute = challenge(hostiles, propose(hostiles));
        Attestation[] memory jury = judge(idOf(dispute, hostiles), output);
        hostile.callBackWith(abi.encodeCall(IProposals.finalize, (hostiles, dispute.proposal, output)), 0);
        arbiter.resolve(hostiles, dispute, output, 0, jury);
        assertFalse(hostile.innerSucceeded());
        assertEq(bytes4(hostile.innerReturn()), IProposals.RequestNotProposed.selector);
        assertEq(hostile.results(), 1);
    }

    function test_Resolve_TakesTheProposalOfABatch() public {
        Request memory second = openWindowed();
        Settlement[] memory items = new Settlement[](1);
        items[0] = Settlement(second, output, 0, attest(second));
        vm.recordLogs();
        vm.prank(attesterOf(1));
        oracle.settleBatch(items);
        Dispute memory dispute = challenge(second, proposalIn(vm.getRecordedLogs()));
        Attestation[] memory jury = judge(idOf(dispute, second), otherOutput);
        arbiter.resolve(second, dispute, otherOutput, 0, jury);
        assertTrue(oracle.verifyOutput(second.id(), otherOutput));
        assertEq(uint8(oracle.status(request.id())), uint8(RequestStatus.Proposed));
    }

    // Juries that do not count

    function test_RevertWhen_TheJuryIsNotExact() public {
        Dispute memory dispute = challenge(request, proposal);
        Attestation[] memory jury = judge(idOf(dispute, request), output);
        Attestation[] memory small = new Attestation[](3);
        Attestation[] memory large = new Attestation[](5);
        for (uint256 i = 0; i < 3; ++i) {
            (small[i], large[i]) = (jury[i], jury[i]);
        }
        vm.expectRevert(abi.encodeWithSelector(IJuryArbiter.JurySizeNotMet.selector, 3, 4));
        arbiter.resolve(request, dispute, output, 0, small);
        vm.expectRevert(abi.encodeWithSelector(IJuryArbiter.JurySizeNotMet.selector, 5, 4));
        arbiter.resolve(request, dispute, output, 0, large);
    }

    function test_RevertWhen_AJurorRepeats() public {
        Dispute memory dispute = challenge(request, proposal);
        Attestation[] memory jury = judge(idOf(dispute, request), output);
        jury[1] = jury[0];
        vm.expectRevert(
            abi.encodeWithSelector(IInferenceOracle.SignersNotIncreasing.selector, FIRST_JUROR, FIRST_JUROR)
        );
        arbiter.resolve(request, dispute, output, 0, jury);
    }

    function test_RevertWhen_AJurorSignedTheProposal() public {
        Dispute memory dispute = challenge(request, proposal);
        Attestation[] memory jury = judgeFrom(3, idOf(dispute, request), output);
        vm.expectRevert(abi.encodeWithSelector(IJuryArbiter.JurorSignedProposal.selector, 3));
        arbiter.resolve(request, dispute, output, 0, jury);
    }

    function test_RevertWhen_AJurorIsNotDrawnYet() public {
        vm.prank(challenger);
        arbiter.challenge{value: BOND}(request, proposal);
        Dispute memory dispute =
            Dispute(proposal, challenger, uint48(vm.getBlockNumber()), uint40(vm.getBlockTimestamp()));
        nextBlock();
        // Of nine operators 10.5 are expected, so a seat is left out only where its weight is small.
        uint32 light = FIRST_JUROR;
        vm.mockCall(
            address(operators),
            abi.encodeCall(IOperatorRegistry.enrolmentOf, (MODEL, light)),
            abi.encode(uint256(uint160(attesterOf(light))) << 96 | 1 << 40)
        );
        Attestation[] memory jury = judge(idOf(dispute, request), output);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.SignerNotDrawn.selector, light, 0));
        arbiter.resolve(request, dispute, output, 0, jury);
    }

    function test_RevertWhen_AJurorTookItsSeatAfterTheRequest() public {
        uint32 late = join(MODEL, STAKE);
        skip(60);
        Dispute memory dispute = challenge(request, proposal);
        Attestation[] memory jury = judgeFrom(late - 3, idOf(dispute, request), output);
        vm.expectPartialRevert(IInferenceOracle.SeatNotActive.selector);
        arbiter.resolve(request, dispute, output, 0, jury);
    }

    function test_RevertGiven_TheChallengesBlockIsNotOver() public {
        vm.prank(challenger);
        arbiter.challenge{value: BOND}(request, proposal);
        uint256 number = vm.getBlockNumber();
        Dispute memory dispute = Dispute(proposal, challenger, uint48(number), uint40(vm.getBlockTimestamp()));
        Attestation[] memory jury = judge(idOf(dispute, request), output);
        vm.expectRevert(abi.encodeWithSignature("BlockHashUnavailable(uint256,uint256)", number, number));
        arbiter.resolve(request, dispute, output, 0, jury);
    }

    function test_RevertWhen_JurorsSignedTheRequestInstead() public {
        Dispute memory dispute = challenge(request, proposal);
        Attestation[] memory jury = judge(request.id(), output);
        vm.expectPartialRevert(IInferenceOracle.WrongSignature.selector);
        arbiter.resolve(request, dispute, output, 0, jury);
    }

    function test_RevertWhen_ADisputesAttestationsAreUsedForARequest() public {
        Dispute memory dispute = challenge(request, proposal);
        bytes32 disputeId = idOf(dispute, request);
        Request memory second = openWindowed();
        Attestation[] memory three = new Attestation[](3);
        for (uint32 i = 0; i < 3; ++i) {
            three[i] = signWith(keys[FIRST_JUROR + i], FIRST_JUROR + i, disputeId, output, 0, address(oracle));
        }
        vm.expectPartialRevert(IInferenceOracle.WrongSignature.selector);
        oracle.settle(second, output, 0, three);
    }

    function test_RevertWhen_TheyAreOfAnotherDispute() public {
        Dispute memory dispute = challenge(request, proposal);
        Request memory second = openWindowed();
        Dispute memory other = challenge(second, propose(second));
        Attestation[] memory jury = judge(idOf(other, second), output);
        vm.expectPartialRevert(IInferenceOracle.WrongSignature.selector);
        arbiter.resolve(request, dispute, output, 0, jury);
    }

    function test_RevertWhen_TheyAreForAnotherOracleOrChain() public {
        Dispute memory dispute = challenge(request, proposal);
        Attestation[] memory jury = judge(idOf(dispute, request), output);
        jury[3] = signWith(keys[7], 7, idOf(dispute, request), output, 0, address(arbiter));
        vm.expectPartialRevert(IInferenceOracle.WrongSignature.selector);
        arbiter.resolve(request, dispute, output, 0, jury);
        vm.chainId(1);
        jury = judge(idOf(dispute, request), output);
        vm.chainId(31337);
        vm.expectPartialRevert(IInferenceOracle.WrongSignature.selector);
        arbiter.resolve(request, dispute, output, 0, jury);
    }

    function test_RevertWhen_TheDisputeIsNotAsItWasMade() public {
        Dispute memory dispute = challenge(request, proposal);
        dispute.challenger = asker;
        bytes32 changed = idOf(dispute, request);
        Attestation[] memory jury = judge(changed, output);
        bytes memory refusal = abi.encodeWithSelector(IJuryArbiter.DisputeNotOpen.selector, changed, DisputeStatus.None);
        vm.expectRevert(refusal);
        arbiter.resolve(request, dispute, output, 0, jury);
        skip(VERDICT_SECONDS + 1);
        vm.expectRevert(refusal);
        arbiter.lapse(request, dispute);
    }

    function test_Equivocation_OfAJurorIsSlashed() public {
        Dispute memory dispute = challenge(request, proposal);
        slashFullyFor(FIRST_JUROR, idOf(dispute, request));
        assertEq(operators.stakeOf(FIRST_JUROR), 0);
    }

    // Time

    function test_RevertGiven_TheVerdictTimeIsOver() public {
        Dispute memory dispute = challenge(request, proposal);
        uint256 endsAt = uint256(dispute.challengedAt) + VERDICT_SECONDS;
        Attestation[] memory jury = judge(idOf(dispute, request), output);
        vm.warp(endsAt + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IJuryArbiter.VerdictTimeOver.selector, idOf(dispute, request), endsAt, endsAt + 1)
        );
        arbiter.resolve(request, dispute, output, 0, jury);
        vm.warp(endsAt);
        arbiter.resolve(request, dispute, output, 0, jury);
    }

    function test_RevertGiven_TheVerdictTimeIsNotOver() public {
        Dispute memory dispute = challenge(request, proposal);
        uint256 endsAt = uint256(dispute.challengedAt) + VERDICT_SECONDS;
        vm.warp(endsAt);
        vm.expectRevert(
            abi.encodeWithSelector(IJuryArbiter.VerdictTimeNotOver.selector, idOf(dispute, request), endsAt, endsAt)
        );
        arbiter.lapse(request, dispute);
    }

    function test_Lapse_RefundsTheRequestAndTheBond() public {
        Dispute memory dispute = challenge(request, proposal);
        skip(VERDICT_SECONDS + 1);
        arbiter.lapse(request, dispute);
        assertDispute(dispute, DisputeStatus.Lapsed);
        assertEq(consumer.expiries(), 1);
        assertEq(oracle.creditOf(challenger, NATIVE), BOND);
        assertEq(oracle.creditOf(address(consumer), NATIVE), uint256(request.funds.fee()) + request.funds.gasReserve());
        assertEq(address(arbiter).balance, 0);
        vm.prank(challenger);
        oracle.withdrawCredit(NATIVE, challenger, BOND);
        assertEq(challenger.balance, 100 ether);
    }

    function test_RevertGiven_Closed() public {
        Dispute memory dispute = challenge(request, proposal);
        Attestation[] memory jury = judge(idOf(dispute, request), output);
        arbiter.resolve(request, dispute, output, 0, jury);
        bytes memory refusal =
            abi.encodeWithSelector(IJuryArbiter.DisputeNotOpen.selector, idOf(dispute, request), DisputeStatus.Upheld);
        vm.expectRevert(refusal);
        arbiter.resolve(request, dispute, output, 0, jury);
        skip(VERDICT_SECONDS + 1);
        vm.expectRevert(refusal);
        arbiter.lapse(request, dispute);
    }

    // Money

    /// @dev One party may be the challenger, any of the signers and any of the jurors at once: whoever it is, it has less
    /// afterwards than before, the price of the request aside, which honest operators would have earned as well.
    function testFuzz_Challenge_OneselfNeverPays(bool upheld, uint8 signersOwned, uint8 jurorsOwned) public {
        uint256 before = partyWei(signersOwned, jurorsOwned) + challenger.balance;
        Dispute memory dispute = challenge(request, proposal);
        resolve(dispute, upheld ? output : otherOutput);
        uint256 earnedAnyway = upheld
            ? feePerSigner(3) * popCount(signersOwned % 8) + (signersOwned & 1 == 1 ? proposal.gasOwed : 0)
            : feePerSigner(4) * popCount(jurorsOwned % 16);
        uint256 afterwards = partyWei(signersOwned, jurorsOwned) + challenger.balance
            + oracle.creditOf(challenger, NATIVE) + operators.rewardsOf(challenger);
        if (upheld) assertLe(afterwards, before + earnedAnyway - BOND / 2);
        else if (signersOwned % 8 == 7) assertLt(afterwards, before + earnedAnyway);
        assertEq(owedWei(), address(oracle).balance);
    }

    function testFuzz_Resolve_AccountsForEveryWei(uint96 price, uint256 bond, uint64 gasPrice, bool upheld) public {
        bond = bound(bond, 0.0001 ether, 50 ether);
        JuryArbiter other = new JuryArbiter(oracle, bond, VERDICT_SECONDS);
        vm.startPrank(owner);
        oracle.listArbiter(other);
        operators.trustJudge(address(other));
        vm.stopPrank();
        vm.prank(publisher);
        models.setPrice(MODEL, 0, uint96(bound(price, 0, 1e24)), 0, ROYALTY_BPS);
        vm.deal(asker, type(uint128).max);
        RequestParams memory p = windowed();
        p.maxFee = type(uint96).max;
        Request memory dear = open(p);
        skip(60);
        uint256 before = address(oracle).balance + address(operators).balance;
        Proposal memory its = propose(dear);
        vm.prank(challenger);
        other.challenge{value: bond}(dear, its);
        Dispute memory dispute = Dispute(its, challenger, uint48(vm.getBlockNumber()), uint40(vm.getBlockTimestamp()));
        nextBlock();
        skip(60);
        bytes memory answer = upheld ? output : otherOutput;
        Attestation[] memory jury = judge(dispute.id(address(other), dear.id()), answer);
        vm.txGasPrice(gasPrice);
        vm.prank(attesterOf(FIRST_JUROR));
        other.resolve(dear, dispute, answer, 0, jury);

        assertEq(address(other).balance, 0);
        assertEq(address(oracle).balance + address(operators).balance, before + bond);
        // The first request's proposal still waits.
        uint256 waiting = uint256(request.funds.fee()) + request.funds.gasReserve();
        assertEq(owedWei() + waiting, address(oracle).balance);
    }

    // Support

    function resolve(Dispute memory dispute, bytes memory answer) private {
        Attestation[] memory jury = judge(idOf(dispute, request), answer);
        arbiter.resolve(request, dispute, answer, 0, jury);
    }

    function feePerSigner(uint256 signerCount) private view returns (uint256) {
        uint256 fee = request.funds.fee();
        return (fee - fee * ROYALTY_BPS / 10_000 - fee * PROTOCOL_BPS / 10_000) / signerCount;
    }

    /// @dev Stakes and earnings of the operators that the two bit fields name.
    function partyWei(uint8 signersOwned, uint8 jurorsOwned) private view returns (uint256 sum) {
        for (uint32 i = 0; i < 4; ++i) {
            if (i < 3 && signersOwned >> i & 1 == 1) {
                sum += operators.stakeOf(1 + i) + oracle.earningsOf(1 + i, NATIVE);
            }
            if (jurorsOwned >> i & 1 == 1) {
                sum += operators.stakeOf(FIRST_JUROR + i) + oracle.earningsOf(FIRST_JUROR + i, NATIVE);
            }
        }
    }

    function popCount(uint8 bits) private pure returns (uint256 count) {
        for (; bits != 0; bits >>= 1) {
            count += bits & 1;
        }
    }

    function slashFully(uint32 operatorId) private {
        slashFullyFor(operatorId, keccak256("some other request"));
    }

    function slashFullyFor(uint32 operatorId, bytes32 id) private {
        Attestation memory first = signWith(keys[operatorId], operatorId, id, output, 7, address(oracle));
        Attestation memory second = signWith(keys[operatorId], operatorId, id, otherOutput, 7, address(oracle));
        operators.slashEquivocation(
            address(oracle),
            id,
            7,
            SignedOutput(keccak256(output), first.r, first.vs),
            SignedOutput(keccak256(otherOutput), second.r, second.vs)
        );
    }

    function assertDispute(Dispute memory dispute, DisputeStatus expected) private view {
        assertEq(uint8(arbiter.disputeStatus(idOf(dispute, request))), uint8(expected));
    }
}
