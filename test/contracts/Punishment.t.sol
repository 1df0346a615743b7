// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SlashingFixture} from "./support/SlashingFixture.sol";
import {IOperatorRegistry} from "@sibyl/contracts/interfaces/IOperatorRegistry.sol";
import {Offence} from "@sibyl/contracts/types/Offence.sol";
import {OperatorParameters} from "@sibyl/contracts/types/OperatorParameters.sol";

/// What judges may do to operators, and who gets what it takes.
contract PunishmentTest is SlashingFixture {
    // punish

    function test_Punish_TakesTheOffencesPart() public {
        vm.expectEmit(address(operators));
        emit IOperatorRegistry.OperatorPunished(
            1, judge, reporter, Offence.MissedOpening, 0.05 ether, 0.005 ether, block.timestamp + 7 days
        );
        (uint256 amount, uint256 reward) = punish(1, Offence.MissedOpening);
        assertEq(amount, 0.05 ether);
        assertEq(reward, 0.005 ether);
        assertEq(operators.stakeOf(1), 0.95 ether);

        (amount, reward) = punish(2, Offence.OverturnedOutput);
        assertEq(amount, 0.2 ether);
        assertEq(reward, 0.02 ether);
        assertEq(operators.stakeOf(2), 0.8 ether);

        assertEq(operators.rewardsOf(reporter), 0.025 ether);
        assertEq(operators.slashedFunds(), 0.225 ether);
    }

    function test_Punish_TakesLeavingStakeAlike() public {
        vm.prank(ownerOf(1));
        operators.beginUnbonding(0.4 ether);
        (uint256 amount,) = punish(1, Offence.OverturnedOutput);
        assertEq(amount, 0.2 ether, "as much as from an operator that stays");
        assertEq(operators.stakeOf(1), 0.48 ether);
        (uint256 unbonding, uint256 releasedAt) = operators.unbondingOf(1);
        assertEq(unbonding, 0.32 ether);
        vm.warp(releasedAt);
        vm.prank(ownerOf(1));
        assertEq(operators.withdrawUnbonded(ownerOf(1)), 0.32 ether);
    }

    function test_Punish_ReachesAnOperatorThatLeavesWhole() public {
        vm.prank(ownerOf(1));
        operators.beginUnbonding(1 ether);
        (uint256 amount,) = punish(1, Offence.OverturnedOutput);
        assertEq(amount, 0.2 ether);
    }

    function test_Punish_WithoutReporterLeavesAllToTheFunds() public {
        vm.prank(judge);
        (uint256 amount, uint256 reward) = operators.punish(1, Offence.MissedOpening, address(0));
        assertEq(reward, 0);
        assertEq(operators.slashedFunds(), amount);
        assertEq(operators.rewardsOf(address(0)), 0);
    }

    function test_Punish_PassesOverTheSlashed() public {
        slash(keys[1], 0, "one answer", "another answer");
        (uint256 amount, uint256 reward) = punish(1, Offence.OverturnedOutput);
        assertEq(amount, 0);
        assertEq(reward, 0);
        assertEq(operators.jailedUntil(1), 0);
    }

    function test_RevertWhen_TheJudgeIsNotTrusted() public {
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.JudgeNotTrusted.selector, address(this)));
        operators.punish(1, Offence.MissedOpening, reporter);
    }

    function test_RevertGiven_TheJudgeLostItsTrust() public {
        vm.expectEmit(address(operators));
        emit IOperatorRegistry.JudgeDistrusted(judge);
        vm.prank(owner);
        operators.distrustJudge(judge);
        assertFalse(operators.isTrustedJudge(judge));
        vm.prank(judge);
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.JudgeNotTrusted.selector, judge));
        operators.punish(1, Offence.MissedOpening, reporter);
    }

    function test_RevertWhen_PunishingNobody() public {
        vm.prank(judge);
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.UnknownOperator.selector, 9));
        operators.punish(9, Offence.MissedOpening, reporter);
    }

    // jail

    function test_Jail_VacatesEverySeat() public {
        vm.prank(ownerOf(1));
        operators.enroll(OTHER_MODEL);
        punish(1, Offence.MissedOpening);
        assertFalse(operators.enrolmentOf(MODEL, 1).exists());
        assertFalse(operators.enrolmentOf(OTHER_MODEL, 1).exists());
        assertEq(operators.modelsOf(1).length, 0);
        (uint64 total, uint32 seats) = operators.seatTotalsOf(MODEL);
        assertEq(total, 2e6);
        assertEq(seats, 2);
    }

    function test_Jail_KeepsSeatsAwayUntilItsEnd() public {
        punish(1, Offence.MissedOpening);
        uint256 until = vm.getBlockTimestamp() + 7 days;
        assertEq(operators.jailedUntil(1), until);
        vm.warp(until - 1);
        vm.prank(ownerOf(1));
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.OperatorJailed.selector, 1, until));
        operators.enroll(MODEL);
        vm.warp(until);
        vm.prank(ownerOf(1));
        operators.enroll(MODEL);
        assertEq(operators.enrolmentOf(MODEL, 1).weight(), 0.95e6);
        assertEq(operators.enrolmentOf(MODEL, 1).activeFrom(), until + 60, "it activates anew");
    }

    function test_Jail_IsNotShortenedByASecondOffence() public {
        punish(1, Offence.MissedOpening);
        uint256 until = vm.getBlockTimestamp() + 7 days;
        OperatorParameters memory p = operatorParameters();
        p.jailSeconds = 1;
        vm.prank(owner);
        operators.setParameters(p);
        punish(1, Offence.MissedOpening);
        assertEq(operators.jailedUntil(1), until);
    }

    function test_RevertGiven_TooLittleIsLeftForASeat() public {
        vm.prank(ownerOf(1));
        operators.beginUnbonding(0.9 ether);
        punish(1, Offence.MissedOpening);
        skip(7 days);
        vm.prank(ownerOf(1));
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.StakeTooLow.selector, 0.095 ether, 0.1 ether));
        operators.enroll(MODEL);
        vm.prank(ownerOf(1));
        operators.beginUnbonding(0.095 ether);
        operators.addStake{value: 0.1 ether}(1);
        vm.prank(ownerOf(1));
        operators.enroll(MODEL);
        assertEq(operators.enrolmentOf(MODEL, 1).weight(), 0.1e6);
    }

    /// @dev Whatever the parameters, an operator that reports itself loses more than it gets.
    function testFuzz_Punish_NeverPaysTheOperator(uint16 bps, uint16 reporterBps, uint96 stake, uint96 leaving) public {
        OperatorParameters memory p = operatorParameters();
        p.overturnedBps = uint16(bound(bps, 1, 5000));
        p.reporterBps = uint16(bound(reporterBps, 0, 4999));
        vm.prank(owner);
        operators.setParameters(p);
        uint32 id = join(MODEL, bound(stake, 0.2 ether, 1000 ether));
        leaving = uint96(bound(leaving, 1, operators.stakeOf(id) - 0.1 ether));
        vm.prank(ownerOf(id));
        operators.beginUnbonding(leaving);
        uint256 before = address(operators).balance;
        (uint256 amount, uint256 reward) = punish(id, Offence.OverturnedOutput);
        assertGt(amount, 0);
        assertLt(reward * 2, amount, "at least half is lost");
        assertEq(address(operators).balance, before, "nothing is pushed");
        assertEq(operators.slashedFunds(), amount - reward);
    }

    // rewards and slashed funds

    function test_Rewards_ArePaidOnce() public {
        punish(1, Offence.OverturnedOutput);
        address payee = makeAddr("payee");
        vm.startPrank(reporter);
        vm.expectEmit(address(operators));
        emit IOperatorRegistry.RewardsWithdrawn(reporter, payee, 0.02 ether);
        assertEq(operators.withdrawRewards(payee), 0.02 ether);
        assertEq(payee.balance, 0.02 ether);
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.NoRewards.selector, reporter));
        operators.withdrawRewards(payee);
    }

    function test_SlashedFunds_TakeLostBonds() public {
        vm.expectEmit(address(operators));
        emit IOperatorRegistry.SlashedFundsAdded(address(this), 3);
        operators.addSlashedFunds{value: 3}();
        assertEq(operators.slashedFunds(), 3);
    }

    function punish(uint32 operatorId, Offence offence) private returns (uint256 amount, uint256 reward) {
        vm.prank(judge);
        return operators.punish(operatorId, offence, reporter);
    }
}
