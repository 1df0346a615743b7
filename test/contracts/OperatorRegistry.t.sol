// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

import {OracleFixture} from "./support/OracleFixture.sol";

import {IOperatorRegistry} from "@sibyl/contracts/interfaces/IOperatorRegistry.sol";
import {Enrolment} from "@sibyl/contracts/types/Enrolment.sol";
import {OperatorParameters} from "@sibyl/contracts/types/OperatorParameters.sol";

contract OperatorRegistryTest is OracleFixture {
    bytes32 internal constant OTHER_MODEL = keccak256("another model");

    // register

    function test_Register_GivesTheNextId() public {
        uint32 id = join(MODEL, 2 ether);
        assertEq(id, 4);
        assertEq(operators.ownerOf(id), ownerOf(id));
        assertEq(operators.attesterOf(id), attesterOf(id));
        assertEq(operators.operatorOf(attesterOf(id)), id);
        assertEq(operators.operatorOfOwner(ownerOf(id)), id);
        assertEq(operators.stakeOf(id), 2 ether);
    }

    function test_RevertGiven_TheOwnerHasASeat() public {
        uint256 key = 77;
        bytes memory agreed = consent(ownerOf(1), key);
        vm.deal(ownerOf(1), 1 ether);
        vm.prank(ownerOf(1));
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.OwnerAlreadyRegistered.selector, ownerOf(1), 1));
        operators.register{value: 1 ether}(vm.addr(key), agreed, "");
    }

    function test_RevertGiven_TheAttesterIsUsed() public {
        bytes memory agreed = consent(asker, keys[1]);
        vm.prank(asker);
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.AttesterAlreadyUsed.selector, attesterOf(1), 1));
        operators.register{value: 1 ether}(attesterOf(1), agreed, "");
    }

    function test_RevertWhen_TheAttesterConsentedToAnother() public {
        uint256 key = 77;
        bytes memory agreed = consent(ownerOf(1), key);
        vm.prank(asker);
        vm.expectPartialRevert(IOperatorRegistry.WrongConsent.selector);
        operators.register{value: 1 ether}(vm.addr(key), agreed, "");
    }

    function test_RevertWhen_ThereIsNoConsent() public {
        vm.prank(asker);
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.WrongConsent.selector, asker, vm.addr(77), address(0)));
        operators.register{value: 1 ether}(vm.addr(77), "", "");
        vm.prank(asker);
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.WrongConsent.selector, asker, address(0), address(0)));
        operators.register{value: 1 ether}(address(0), "", "");
    }

    function test_RevertWhen_TheStakeIsTooLow() public {
        vm.prank(asker);
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.StakeTooLow.selector, 0.1 ether - 1, 0.1 ether));
        operators.register{value: 0.1 ether - 1}(vm.addr(77), "", "");
    }

    // enroll, unenroll

    function test_Enroll_CountsAfterTheDelay() public {
        uint64 before = operators.totalWeightOf(MODEL);
        uint32 id = join(MODEL, 2 ether);
        Enrolment seat = operators.enrolmentOf(MODEL, id);
        assertEq(seat.attester(), attesterOf(id));
        assertEq(seat.weight(), 2e6);
        assertEq(seat.activeFrom(), block.timestamp + 60);
        (uint64 total, uint32 seats) = operators.seatTotalsOf(MODEL);
        assertEq(total, before + 2e6);
        assertEq(operators.totalWeightOf(MODEL), total);
        assertEq(seats, 4);
    }

    function test_Enroll_CapsTheWeight() public {
        uint32 id = join(MODEL, 500 ether);
        assertEq(operators.enrolmentOf(MODEL, id).weight(), 100e6);
    }

    function test_Enroll_TakesAddedStakeIn() public {
        operators.addStake{value: 1 ether}(1);
        assertEq(operators.enrolmentOf(MODEL, 1).weight(), 1e6, "a gift changes no seat");
        vm.prank(ownerOf(1));
        operators.enroll(MODEL);
        assertEq(operators.enrolmentOf(MODEL, 1).weight(), 2e6);
        assertEq(operators.enrolmentOf(MODEL, 1).activeFrom(), block.timestamp + 60);
        assertEq(operators.totalWeightOf(MODEL), 4e6);
    }

    function test_RevertGiven_NothingWouldChange() public {
        vm.prank(ownerOf(1));
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.AlreadyEnrolledSo.selector, MODEL, 1));
        operators.enroll(MODEL);
    }

    function test_RevertGiven_TooManySeats() public {
        vm.startPrank(ownerOf(1));
        for (uint256 i = 1; i < 32; ++i) {
            operators.enroll(bytes32(i));
        }
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.TooManyEnrolments.selector, 1, 32));
        operators.enroll(OTHER_MODEL);
    }

    function test_RevertWhen_AStrangerEnrolls() public {
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.NotAnOperator.selector, address(this)));
        operators.enroll(MODEL);
    }

    function test_Unenroll_GivesTheSeatUp() public {
        vm.startPrank(ownerOf(1));
        operators.enroll(OTHER_MODEL);
        operators.unenroll(MODEL);
        assertFalse(operators.enrolmentOf(MODEL, 1).exists());
        assertEq(operators.totalWeightOf(MODEL), 2e6);
        assertEq(operators.modelsOf(1).length, 1);
        assertEq(operators.modelsOf(1)[0], OTHER_MODEL);
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.NotEnrolled.selector, MODEL, 1));
        operators.unenroll(MODEL);
    }

    // rotate

    function test_Rotate_RewritesEverySeatAndKeepsTheOldKey() public {
        vm.prank(ownerOf(1));
        operators.enroll(OTHER_MODEL);
        address old = attesterOf(1);
        rotate(1, 77);
        assertEq(operators.enrolmentOf(MODEL, 1).attester(), vm.addr(77));
        assertEq(operators.enrolmentOf(MODEL, 1).activeFrom(), block.timestamp + 1);
        assertEq(operators.enrolmentOf(MODEL, 1).weight(), 1e6);
        assertEq(operators.enrolmentOf(OTHER_MODEL, 1).attester(), vm.addr(77));
        assertEq(operators.enrolmentOf(OTHER_MODEL, 1).activeFrom(), block.timestamp + 60, "no shorter delay");
        assertEq(operators.operatorOf(old), 1);
        assertEq(operators.operatorOf(vm.addr(77)), 1);
    }

    function test_RevertWhen_RotatingBackToAnOldKey() public {
        rotate(1, 77);
        bytes memory agreed = consent(ownerOf(1), keys[1]);
        vm.prank(ownerOf(1));
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.AttesterAlreadyUsed.selector, attesterOf(1), 1));
        operators.rotateAttester(attesterOf(1), agreed);
    }

    // unbonding

    function test_Unbonding_LeavesAfterItsTime() public {
        vm.startPrank(ownerOf(1));
        operators.beginUnbonding(0.5 ether);
        assertEq(operators.stakeOf(1), 0.5 ether);
        assertEq(operators.enrolmentOf(MODEL, 1).weight(), 0.5e6);
        assertEq(operators.totalWeightOf(MODEL), 2.5e6);
        (uint256 amount, uint256 releasedAt) = operators.unbondingOf(1);
        assertEq(amount, 0.5 ether);
        assertEq(releasedAt, block.timestamp + 14 days);

        vm.warp(releasedAt - 1);
        vm.expectRevert(
            abi.encodeWithSelector(IOperatorRegistry.StillUnbonding.selector, 1, releasedAt, releasedAt - 1)
        );
        operators.withdrawUnbonded(ownerOf(1));
        vm.warp(releasedAt);
        assertEq(operators.withdrawUnbonded(ownerOf(1)), 0.5 ether);
        assertEq(ownerOf(1).balance, 0.5 ether);
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.NothingUnbonding.selector, 1));
        operators.withdrawUnbonded(ownerOf(1));
    }

    function test_Unbonding_AllLeavesNoSeat() public {
        vm.prank(ownerOf(1));
        operators.beginUnbonding(1 ether);
        assertFalse(operators.enrolmentOf(MODEL, 1).exists());
        assertEq(operators.modelsOf(1).length, 0);
        (uint64 total, uint32 seats) = operators.seatTotalsOf(MODEL);
        assertEq(total, 2e6);
        assertEq(seats, 2);
        vm.prank(ownerOf(1));
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.StakeTooLow.selector, 0, 0.1 ether));
        operators.enroll(MODEL);
    }

    function test_RevertWhen_TheRestWouldBeBelowTheMinimum() public {
        vm.prank(ownerOf(1));
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.StakeTooLow.selector, 0.1 ether - 1, 0.1 ether));
        operators.beginUnbonding(0.9 ether + 1);
    }

    function test_RevertWhen_UnbondingNothingOrTooMuch() public {
        vm.startPrank(ownerOf(1));
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.UnbondingExceedsStake.selector, 0, 1 ether));
        operators.beginUnbonding(0);
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.UnbondingExceedsStake.selector, 1 ether + 1, 1 ether));
        operators.beginUnbonding(1 ether + 1);
    }

    function test_RevertWhen_AddingStakeToNobody() public {
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.UnknownOperator.selector, 9));
        operators.addStake{value: 1}(9);
    }

    function testFuzz_Totals_AddUp(uint256 seed) public {
        bytes32[2] memory two = [MODEL, OTHER_MODEL];
        for (uint256 step = 0; step < 24; ++step) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint32 id = uint32(seed % 3 + 1);
            uint256 action = (seed >> 8) % 4;
            bytes32 modelId = two[(seed >> 16) % 2];
            vm.startPrank(ownerOf(id));
            if (action == 0) try operators.enroll(modelId) {} catch {}
            if (action == 1) try operators.unenroll(modelId) {} catch {}
            if (action == 2) try operators.beginUnbonding((seed >> 32) % 1 ether) {} catch {}
            vm.stopPrank();
            if (action == 3) operators.addStake{value: (seed >> 32) % 1 ether}(id);
        }
        for (uint256 m = 0; m < 2; ++m) {
            uint256 sum;
            uint256 count;
            for (uint32 id = 1; id <= 3; ++id) {
                Enrolment seat = operators.enrolmentOf(two[m], id);
                sum += seat.weight();
                if (seat.exists()) ++count;
            }
            (uint64 total, uint32 seats) = operators.seatTotalsOf(two[m]);
            assertEq(total, sum);
            assertEq(seats, count);
        }
    }

    // governance

    function test_RevertWhen_AParameterIsOutOfBounds() public {
        expectRefused(0, "minStakeWei", 0.001 ether - 1, 0.001 ether, 1000 ether);
        expectRefused(1, "maxStakeWei", 0.1 ether - 1, 0.1 ether, 100_000 ether);
        expectRefused(2, "activationSeconds", 0, 1, 7 days);
        expectRefused(3, "unbondingSeconds", 2 days - 1, 2 days, 90 days);
        expectRefused(4, "reporterBps", 5000, 0, 4999);
        expectRefused(5, "missedOpeningBps", 1001, 0, 1000);
        expectRefused(6, "overturnedBps", 5001, 0, 5000);
        expectRefused(7, "jailSeconds", 30 days + 1, 0, 30 days);
    }

    function test_RevertWhen_AStrangerGoverns() public {
        bytes memory refused = abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, address(this));
        vm.expectRevert(refused);
        operators.setParameters(operatorParameters());
        vm.expectRevert(refused);
        operators.trustOracle(address(1));
        vm.expectRevert(refused);
        operators.trustJudge(address(1));
        vm.expectRevert(refused);
        operators.distrustJudge(address(1));
        vm.expectRevert(refused);
        operators.withdrawSlashedFunds(address(1));
    }

    function expectRefused(uint256 field, string memory name, uint256 value, uint256 minimum, uint256 maximum) private {
        OperatorParameters memory p = operatorParameters();
        if (field == 0) p.minStakeWei = uint96(value);
        if (field == 1) p.maxStakeWei = uint96(value);
        if (field == 2) p.activationSeconds = uint24(value);
        if (field == 3) p.unbondingSeconds = uint24(value);
        if (field == 4) p.reporterBps = uint16(value);
        if (field == 5) p.missedOpeningBps = uint16(value);
        if (field == 6) p.overturnedBps = uint16(value);
        if (field == 7) p.jailSeconds = uint24(value);
        vm.prank(owner);
        vm.expectRevert(
            abi.encodeWithSelector(IOperatorRegistry.ParameterOutOfBounds.selector, name, value, minimum, maximum)
        );
        operators.setParameters(p);
    }
}
