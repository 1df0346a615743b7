// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {OracleFixture} from "./support/OracleFixture.sol";
import {OpeningCourt} from "@sibyl/contracts/OpeningCourt.sol";
import {IOpeningCourt} from "@sibyl/contracts/interfaces/IOpeningCourt.sol";
import {Attestations} from "@sibyl/contracts/libraries/Attestations.sol";
import {Commitments} from "@sibyl/contracts/libraries/Commitments.sol";
import {ClassificationCodec} from "@sibyl/contracts/libraries/codecs/ClassificationCodec.sol";
import {TensorCodec} from "@sibyl/contracts/libraries/codecs/TensorCodec.sol";
import {Attestation} from "@sibyl/contracts/types/Attestation.sol";
import {CourtParameters} from "@sibyl/contracts/types/CourtParameters.sol";
import {DeterminismProfileLib, OutputCodec, ProfileKind} from "@sibyl/contracts/types/DeterminismProfile.sol";
import {DemandStatus, OpeningDemand} from "@sibyl/contracts/types/OpeningDemand.sol";
import {OperatorParameters} from "@sibyl/contracts/types/OperatorParameters.sol";
import {Request} from "@sibyl/contracts/types/Request.sol";
import {SignedCommitment} from "@sibyl/contracts/types/SignedCommitment.sol";
import {SignedOutput} from "@sibyl/contracts/types/SignedOutput.sol";

/// Given a demand, when the operator opens, or does not. `MODEL` takes confidences within 0.001, `EXACT_MODEL` bytes.
contract OpeningCourtTest is OracleFixture {
    bytes32 internal constant EXACT_MODEL = keccak256("an exact model");
    bytes32 internal constant SALT = keccak256("a salt");
    uint256 internal constant BOND = 0.01 ether;

    address internal demander = makeAddr("demander");

    OpeningCourt internal court;

    /// @dev The request that operators answer in these tests.
    Request internal request;
    Request internal exactRequest;

    bytes internal near = ClassificationCodec.encode(1, 0.971e18);
    bytes internal far = ClassificationCodec.encode(1, 0.9711e18);

    function setUp() public override {
        super.setUp();
        court = new OpeningCourt(operators, courtParameters());
        vm.prank(owner);
        operators.trustJudge(address(court));
        vm.prank(publisher);
        models.publish(
            EXACT_MODEL, "", 0, 0, 0, 0, DeterminismProfileLib.pack(ProfileKind.Exact, OutputCodec.Scalar, 0, 0)
        );
        request = open(params());
        exactRequest = request;
        exactRequest.modelId = EXACT_MODEL;
        vm.deal(demander, 100 ether);
    }

    // demand

    function test_Demand_AsksTheOperatorUntilTheDeadline() public {
        OpeningDemand memory expected = demandFor(request, 1, output, output);
        vm.expectEmit(address(court));
        emit IOpeningCourt.OpeningDemanded(expected.id(), 1, demander, expected, block.timestamp + 2 hours);
        bytes32 demandId = demandOpening(request, 1, output, output);
        assertEq(demandId, expected.id());
        assertEq(demandId, keccak256(abi.encode(expected)));
        (address by, uint256 deadline, DemandStatus status) = court.demandOf(demandId);
        assertEq(by, demander);
        assertEq(deadline, block.timestamp + 2 hours);
        assertEq(uint8(status), uint8(DemandStatus.Pending));
        assertEq(address(court).balance, BOND);
    }

    function test_Demand_ReachesKeysThatWereRotatedAway() public {
        SignedCommitment memory committed = commit(keys[1], request, 1, output);
        rotate(1, 77);
        SignedOutput memory attested = attestWith(77, request, output, 0);
        vm.prank(demander);
        court.demand{value: BOND}(address(oracle), request, committed, 0, attested, output);
    }

    function test_RevertWhen_TheBondIsWrong() public {
        SignedCommitment memory committed = commit(keys[1], request, 1, output);
        SignedOutput memory attested = attestWith(keys[1], request, output, 0);
        vm.expectRevert(abi.encodeWithSelector(IOpeningCourt.WrongBond.selector, BOND - 1, BOND));
        court.demand{value: BOND - 1}(address(oracle), request, committed, 0, attested, output);
        vm.expectRevert(abi.encodeWithSelector(IOpeningCourt.WrongBond.selector, BOND + 1, BOND));
        court.demand{value: BOND + 1}(address(oracle), request, committed, 0, attested, output);
    }

    function test_RevertWhen_TheOracleIsNotTrusted() public {
        SignedCommitment memory committed = commit(keys[1], request, 1, output);
        SignedOutput memory attested = attestWith(keys[1], request, output, 0);
        vm.expectRevert(abi.encodeWithSelector(IOpeningCourt.OracleNotTrusted.selector, address(this)));
        court.demand{value: BOND}(address(this), request, committed, 0, attested, output);
    }

    function test_RevertWhen_SignedForAnotherOracle() public {
        address other = makeAddr("another oracle");
        vm.prank(owner);
        operators.trustOracle(other);
        SignedCommitment memory committed = commit(keys[1], request, 1, output);
        SignedOutput memory attested = attestWith(keys[1], request, output, 0);
        vm.expectRevert(abi.encodeWithSelector(IOpeningCourt.SignersDiffer.selector, 0, 0));
        court.demand{value: BOND}(other, request, committed, 0, attested, output);
    }

    function test_RevertGiven_TheRequestIsTooOld() public {
        SignedCommitment memory committed = commit(keys[1], request, 1, output);
        SignedOutput memory attested = attestWith(keys[1], request, output, 0);
        uint256 openedAt = request.opening.openedAt();
        vm.warp(openedAt + 12 hours + 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IOpeningCourt.DemandTooLate.selector, openedAt, openedAt + 12 hours, openedAt + 12 hours + 1
            )
        );
        court.demand{value: BOND}(address(oracle), request, committed, 0, attested, output);
        vm.warp(openedAt + 12 hours);
        court.demand{value: BOND}(address(oracle), request, committed, 0, attested, output);
    }

    function test_RevertWhen_TwoOperatorsSigned() public {
        SignedCommitment memory committed = commit(keys[1], request, 1, output);
        SignedOutput memory attested = attestWith(keys[2], request, output, 0);
        vm.expectRevert(abi.encodeWithSelector(IOpeningCourt.SignersDiffer.selector, 1, 2));
        court.demand{value: BOND}(address(oracle), request, committed, 0, attested, output);
        committed = commit(0xdead, request, 1, output);
        vm.expectRevert(abi.encodeWithSelector(IOpeningCourt.SignersDiffer.selector, 0, 2));
        court.demand{value: BOND}(address(oracle), request, committed, 0, attested, output);
    }

    function test_RevertWhen_TheViewIsAnother() public {
        SignedCommitment memory committed = commit(keys[1], request, 1, output);
        SignedOutput memory attested = attestWith(keys[1], request, output, 3);
        vm.expectRevert(abi.encodeWithSelector(IOpeningCourt.SignersDiffer.selector, 1, 0));
        court.demand{value: BOND}(address(oracle), request, committed, 2, attested, output);
        court.demand{value: BOND}(address(oracle), request, committed, 3, attested, output);
    }

    function test_RevertGiven_TheSameWasDemanded() public {
        bytes32 demandId = demandOpening(request, 1, output, output);
        SignedCommitment memory committed = commit(keys[1], request, 1, output);
        SignedOutput memory attested = attestWith(keys[1], request, output, 5);
        vm.expectRevert(abi.encodeWithSelector(IOpeningCourt.AlreadyDemanded.selector, demandId));
        court.demand{value: BOND}(address(oracle), request, committed, 5, attested, output);
        openAs(request, 1, output, output);
        vm.expectRevert(abi.encodeWithSelector(IOpeningCourt.AlreadyDemanded.selector, demandId));
        court.demand{value: BOND}(address(oracle), request, committed, 5, attested, output);
    }

    /// @dev Otherwise a copier would ask itself for a commitment that it made afterwards, and be safe from the real one.
    function test_Demand_OfOneCommitmentLeavesTheOthersOpen() public {
        demandOpening(request, 1, output, output);
        SignedCommitment memory committed = sealedWith(keys[1], request, 1, output, keccak256("another salt"));
        SignedOutput memory attested = attestWith(keys[1], request, output, 0);
        court.demand{value: BOND}(address(oracle), request, committed, 0, attested, output);
    }

    function test_RevertWhen_TheAttestedBytesAreMissing() public {
        SignedCommitment memory committed = commit(keys[1], request, 1, output);
        SignedOutput memory attested = attestWith(keys[1], request, output, 0);
        vm.expectRevert(
            abi.encodeWithSelector(IOpeningCourt.OutputHashDiffers.selector, keccak256(output), keccak256(""))
        );
        court.demand{value: BOND}(address(oracle), request, committed, 0, attested, "");
    }

    function test_RevertGiven_TheModelIsNotPublished() public {
        Request memory unknown = request;
        unknown.modelId = keccak256("nobody's");
        SignedCommitment memory committed = commit(keys[1], unknown, 1, output);
        SignedOutput memory attested = attestWith(keys[1], unknown, output, 0);
        vm.expectRevert(abi.encodeWithSelector(IOpeningCourt.ModelNotPublished.selector, unknown.modelId));
        court.demand{value: BOND}(address(oracle), unknown, committed, 0, attested, output);
    }

    function test_RevertGiven_OutputsHaveNoComparison() public {
        bytes32 modelId = keccak256("a model of doubles");
        vm.prank(publisher);
        models.publish(
            modelId, "", 0, 0, 0, 0, DeterminismProfileLib.pack(ProfileKind.Tolerance, OutputCodec.Tensor, 1, 0)
        );
        Request memory ofDoubles = request;
        ofDoubles.modelId = modelId;
        bytes memory double = TensorCodec.encode(11, new uint32[](0), hex"000000000000f03f");
        SignedCommitment memory committed = commit(keys[1], ofDoubles, 1, double);
        SignedOutput memory attested = attestWith(keys[1], ofDoubles, double, 0);
        vm.expectRevert(abi.encodeWithSelector(IOpeningCourt.OutputNotComparable.selector, keccak256(double)));
        court.demand{value: BOND}(address(oracle), ofDoubles, committed, 0, attested, double);
    }

    // open

    function test_Open_PaysTheBondToTheOperatorsOwner() public {
        bytes32 demandId = demandOpening(exactRequest, 1, output, output);
        vm.expectEmit(address(court));
        emit IOpeningCourt.CommitmentOpened(demandId, keccak256(output), SALT);
        court.open(demandFor(exactRequest, 1, output, output), keccak256(output), SALT, "", "");
        assertEq(court.bondsOf(ownerOf(1)), BOND);
        assertEq(court.bondsOf(demander), 0);
        (,, DemandStatus status) = court.demandOf(demandId);
        assertEq(uint8(status), uint8(DemandStatus.Opened));
        vm.startPrank(ownerOf(1));
        assertEq(court.withdrawBonds(ownerOf(1)), BOND);
        assertEq(ownerOf(1).balance, BOND);
        vm.expectRevert(abi.encodeWithSelector(IOpeningCourt.NoBonds.selector, ownerOf(1)));
        court.withdrawBonds(ownerOf(1));
    }

    function test_Open_TakesWhatAgreesWithinTheTolerance() public {
        demandOpening(request, 1, near, output);
        openAs(request, 1, near, output);
        assertEq(court.bondsOf(ownerOf(1)), BOND);
    }

    function test_Open_CountsUntilSomebodyCloses() public {
        demandOpening(request, 1, near, output);
        skip(3 hours);
        openAs(request, 1, near, output);
        OpeningDemand memory demanded = demandFor(request, 1, near, output);
        vm.expectRevert(
            abi.encodeWithSelector(IOpeningCourt.DemandNotPending.selector, demanded.id(), DemandStatus.Opened)
        );
        court.close(demanded);
    }

    function test_RevertWhen_WhatWasCommittedIsAnotherAnswer() public {
        demandOpening(request, 1, far, output);
        OpeningDemand memory demanded = demandFor(request, 1, far, output);
        vm.expectRevert(
            abi.encodeWithSelector(IOpeningCourt.AnswersDisagree.selector, keccak256(far), keccak256(output))
        );
        court.open(demanded, keccak256(far), SALT, far, output);
    }

    function test_RevertWhen_AnExactAnswerIsOnlyNear() public {
        demandOpening(exactRequest, 1, near, output);
        OpeningDemand memory demanded = demandFor(exactRequest, 1, near, output);
        vm.expectRevert(
            abi.encodeWithSelector(IOpeningCourt.AnswersDisagree.selector, keccak256(near), keccak256(output))
        );
        court.open(demanded, keccak256(near), SALT, near, output);
    }

    function test_RevertWhen_TheOpeningIsNotTheCommitment() public {
        demandOpening(request, 1, output, output);
        OpeningDemand memory demanded = demandFor(request, 1, output, output);
        bytes32 wrongSalt = keccak256("another salt");
        bytes32 wrong = Commitments.seal(request.id(), 1, keccak256(output), wrongSalt);
        vm.expectRevert(abi.encodeWithSelector(IOpeningCourt.CommitmentDiffers.selector, demanded.commitment, wrong));
        court.open(demanded, keccak256(output), wrongSalt, output, output);
        wrong = Commitments.seal(request.id(), 1, keccak256(near), SALT);
        vm.expectRevert(abi.encodeWithSelector(IOpeningCourt.CommitmentDiffers.selector, demanded.commitment, wrong));
        court.open(demanded, keccak256(near), SALT, near, output);
    }

    function test_RevertWhen_TheBytesAreNotOfTheHashes() public {
        demandOpening(request, 1, near, output);
        OpeningDemand memory demanded = demandFor(request, 1, near, output);
        vm.expectRevert(
            abi.encodeWithSelector(IOpeningCourt.OutputHashDiffers.selector, keccak256(near), keccak256(output))
        );
        court.open(demanded, keccak256(near), SALT, output, output);
        vm.expectRevert(
            abi.encodeWithSelector(IOpeningCourt.OutputHashDiffers.selector, keccak256(output), keccak256(near))
        );
        court.open(demanded, keccak256(near), SALT, near, near);
    }

    function test_RevertWhen_NobodyDemanded() public {
        OpeningDemand memory never = demandFor(request, 1, output, output);
        bytes memory refused =
            abi.encodeWithSelector(IOpeningCourt.DemandNotPending.selector, never.id(), DemandStatus.None);
        vm.expectRevert(refused);
        court.open(never, keccak256(output), SALT, output, output);
        vm.expectRevert(refused);
        court.close(never);
    }

    // close

    function test_Close_PunishesSilenceAndReturnsTheBond() public {
        bytes32 demandId = demandOpening(request, 1, output, output);
        OpeningDemand memory demanded = demandFor(request, 1, output, output);
        uint256 deadline = vm.getBlockTimestamp() + 2 hours;
        vm.warp(deadline);
        vm.expectRevert(abi.encodeWithSelector(IOpeningCourt.OpeningStillPossible.selector, deadline, deadline));
        court.close(demanded);
        vm.warp(deadline + 1);
        vm.expectEmit(address(court));
        emit IOpeningCourt.OpeningMissed(demandId, 0.05 ether, 0.005 ether);
        court.close(demanded);
        assertEq(operators.stakeOf(1), 0.95 ether);
        assertEq(operators.jailedUntil(1), deadline + 1 + 7 days);
        assertEq(operators.rewardsOf(demander), 0.005 ether);
        assertEq(court.bondsOf(demander), BOND);
        vm.expectRevert(abi.encodeWithSelector(IOpeningCourt.DemandNotPending.selector, demandId, DemandStatus.Missed));
        court.open(demanded, keccak256(output), SALT, output, output);
    }

    /// @dev Peers: nobody else checks whether an operator computed what it is paid for. It waits for the reveals, attests what
    /// the others found, is paid, and has committed to something else.
    function test_ACopierIsPaidAndThenPunished() public {
        bytes memory guess = ClassificationCodec.encode(0, 0.5e18);
        SignedCommitment memory committed = commit(keys[1], request, 1, guess);
        settle(request);
        assertGt(oracle.earningsOf(1, NATIVE), 0);
        SignedOutput memory attested = attestWith(keys[1], request, output, 0);
        vm.prank(demander);
        court.demand{value: BOND}(address(oracle), request, committed, 0, attested, output);
        OpeningDemand memory demanded = demandFor(request, 1, guess, output);
        vm.expectRevert(
            abi.encodeWithSelector(IOpeningCourt.AnswersDisagree.selector, keccak256(guess), keccak256(output))
        );
        court.open(demanded, keccak256(guess), SALT, guess, output);
        skip(2 hours + 1);
        court.close(demanded);
        assertEq(operators.stakeOf(1), 0.95 ether);
    }

    function test_Close_ReachesAnOperatorThatLeftAtOnce() public {
        demandOpening(request, 1, output, output);
        vm.prank(ownerOf(1));
        operators.beginUnbonding(1 ether);
        skip(2 hours + 1);
        court.close(demandFor(request, 1, output, output));
        (uint256 unbonding,) = operators.unbondingOf(1);
        assertEq(unbonding, 0.95 ether);
    }

    function test_Close_PunishesOneAbsenceOnce() public {
        demandOpening(request, 1, output, output);
        demandOpening(exactRequest, 1, output, output);
        skip(2 hours + 1);
        court.close(demandFor(request, 1, output, output));
        vm.expectEmit(address(court));
        emit IOpeningCourt.OpeningMissed(demandFor(exactRequest, 1, output, output).id(), 0, 0);
        court.close(demandFor(exactRequest, 1, output, output));
        assertEq(operators.stakeOf(1), 0.95 ether);
        assertEq(court.bondsOf(demander), 2 * BOND);

        skip(1);
        demandOpening(request, 1, near, output);
        skip(2 hours + 1);
        court.close(demandFor(request, 1, near, output));
        assertEq(operators.stakeOf(1), 0.9025 ether, "asked again afterwards, it is another fault");
    }

    function test_Close_ReturnsTheBondOfACourtThatLostItsTrust() public {
        demandOpening(request, 1, output, output);
        vm.prank(owner);
        operators.distrustJudge(address(court));
        skip(2 hours + 1);
        court.close(demandFor(request, 1, output, output));
        assertEq(court.bondsOf(demander), BOND);
        assertEq(operators.stakeOf(1), 1 ether);
    }

    /// @dev Whatever the parameters: an operator that demands its own opening gets its bond back and never more than it loses.
    function testFuzz_SelfDemand_NeverPays(uint16 missedBps, uint16 reporterBps, bool opens, uint96 stake) public {
        OperatorParameters memory p = operatorParameters();
        p.missedOpeningBps = uint16(bound(missedBps, 0, 1000));
        p.reporterBps = uint16(bound(reporterBps, 0, 4999));
        vm.prank(owner);
        operators.setParameters(p);
        uint32 id = join(MODEL, bound(stake, 0.1 ether, 100 ether));
        address self = ownerOf(id);
        vm.deal(self, BOND);
        uint256 before = self.balance + operators.stakeOf(id);
        SignedCommitment memory committed = commit(keys[id], request, id, output);
        SignedOutput memory attested = attestWith(keys[id], request, output, 0);
        vm.startPrank(self);
        court.demand{value: BOND}(address(oracle), request, committed, 0, attested, output);
        if (opens) {
            openAs(request, id, output, output);
        } else {
            skip(2 hours + 1);
            court.close(demandFor(request, id, output, output));
        }
        court.withdrawBonds(self);
        if (operators.rewardsOf(self) != 0) operators.withdrawRewards(self);
        uint256 afterwards = self.balance + operators.stakeOf(id);
        if (opens || p.missedOpeningBps == 0) assertEq(afterwards, before);
        else assertLt(afterwards, before);
        assertEq(address(court).balance, 0);
    }

    /// @dev The court holds the bonds of pending demands and those that wait to be withdrawn, whatever becomes of demands.
    function testFuzz_Balance_IsBondsOnly(uint256 seed) public {
        uint256 pending;
        for (uint32 id = 1; id <= 3; ++id) {
            demandOpening(request, id, output, output);
            ++pending;
        }
        skip(2 hours + 1);
        for (uint32 id = 1; id <= 3; ++id) {
            uint256 what = (seed >> 8 * id) % 3;
            if (what == 0) openAs(request, id, output, output);
            if (what == 1) court.close(demandFor(request, id, output, output));
            if (what != 2) --pending;
        }
        uint256 owed = court.bondsOf(demander);
        for (uint32 id = 1; id <= 3; ++id) {
            owed += court.bondsOf(ownerOf(id));
        }
        assertEq(address(court).balance, owed + pending * BOND);
    }

    // parameters

    function test_Parameters_AreFixed() public view {
        CourtParameters memory p = court.parameters();
        assertEq(p.bondWei, BOND);
        assertEq(p.demandSeconds, 12 hours);
        assertEq(p.openingSeconds, 2 hours);
        assertEq(address(court.operators()), address(operators));
        assertEq(address(court.models()), address(models));
    }

    function test_RevertWhen_AParameterIsOutOfBounds() public {
        CourtParameters memory p = courtParameters();
        p.bondWei = 0.0001 ether - 1;
        expectRefused(p, "bondWei", p.bondWei, 0.0001 ether, 10 ether);
        p = courtParameters();
        p.demandSeconds = 24 hours + 1;
        expectRefused(p, "demandSeconds", p.demandSeconds, 10 minutes, 24 hours);
        p = courtParameters();
        p.openingSeconds = 12 hours + 1;
        expectRefused(p, "openingSeconds", p.openingSeconds, 10 minutes, 12 hours);
    }

    function expectRefused(
        CourtParameters memory p,
        string memory name,
        uint256 value,
        uint256 minimum,
        uint256 maximum
    ) private {
        vm.expectRevert(
            abi.encodeWithSelector(IOpeningCourt.ParameterOutOfBounds.selector, name, value, minimum, maximum)
        );
        new OpeningCourt(operators, p);
    }

    function courtParameters() private pure returns (CourtParameters memory) {
        return CourtParameters({bondWei: uint96(BOND), demandSeconds: 12 hours, openingSeconds: 2 hours});
    }

    /// @dev Operator `id` committed to `computed`, attested `attested`, and is asked.
    function demandOpening(Request memory about, uint32 id, bytes memory computed, bytes memory attested)
        private
        returns (bytes32)
    {
        SignedCommitment memory committed = commit(keys[id], about, id, computed);
        SignedOutput memory said = attestWith(keys[id], about, attested, 0);
        vm.prank(demander);
        return court.demand{value: BOND}(address(oracle), about, committed, 0, said, attested);
    }

    function openAs(Request memory about, uint32 id, bytes memory computed, bytes memory attested) private {
        court.open(demandFor(about, id, computed, attested), keccak256(computed), SALT, computed, attested);
    }

    function demandFor(Request memory about, uint32 id, bytes memory computed, bytes memory attested)
        private
        view
        returns (OpeningDemand memory)
    {
        return OpeningDemand({
            oracle: address(oracle),
            requestId: about.id(),
            modelId: about.modelId,
            operatorId: id,
            commitment: Commitments.seal(about.id(), id, keccak256(computed), SALT),
            attestedHash: keccak256(attested)
        });
    }

    function commit(uint256 key, Request memory about, uint32 id, bytes memory computed)
        private
        view
        returns (SignedCommitment memory)
    {
        return sealedWith(key, about, id, computed, SALT);
    }

    function sealedWith(uint256 key, Request memory about, uint32 id, bytes memory computed, bytes32 salt)
        private
        view
        returns (SignedCommitment memory)
    {
        bytes32 commitment = Commitments.seal(about.id(), id, keccak256(computed), salt);
        bytes32 structHash = Commitments.structHash(about.id(), commitment);
        (bytes32 r, bytes32 vs) =
            vm.signCompact(key, Attestations.digest(Attestations.domainSeparator(address(oracle)), structHash));
        return SignedCommitment(commitment, r, vs);
    }

    function attestWith(uint256 key, Request memory about, bytes memory answer, uint32 viewNumber)
        private
        view
        returns (SignedOutput memory)
    {
        Attestation memory signed = signWith(key, 0, about.id(), answer, viewNumber, address(oracle));
        return SignedOutput(keccak256(answer), signed.r, signed.vs);
    }
}
