// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {OpeningCourtFixture} from "./support/OpeningCourtFixture.sol";
import {IOpeningCourt} from "@sibyl/contracts/interfaces/IOpeningCourt.sol";
import {Commitments} from "@sibyl/contracts/libraries/Commitments.sol";
import {ClassificationCodec} from "@sibyl/contracts/libraries/codecs/ClassificationCodec.sol";
import {DemandStatus, OpeningDemand} from "@sibyl/contracts/types/OpeningDemand.sol";
import {OperatorParameters} from "@sibyl/contracts/types/OperatorParameters.sol";
import {SignedCommitment} from "@sibyl/contracts/types/SignedCommitment.sol";
import {SignedOutput} from "@sibyl/contracts/types/SignedOutput.sol";

/// Given a demand, when the operator opens, or does not.
contract OpeningCourtTest is OpeningCourtFixture {
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
}
