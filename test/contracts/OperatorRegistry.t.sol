// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

import {OracleFixture} from "./support/OracleFixture.sol";

import {IOperatorRegistry} from "@sibyl/contracts/interfaces/IOperatorRegistry.sol";
import {Attestation} from "@sibyl/contracts/types/Attestation.sol";
import {Enrolment} from "@sibyl/contracts/types/Enrolment.sol";
import {OperatorParameters} from "@sibyl/contracts/types/OperatorParameters.sol";
import {SignedOutput} from "@sibyl/contracts/types/SignedOutput.sol";

contract OperatorRegistryTest is OracleFixture {
    bytes32 internal constant OTHER_MODEL = keccak256("another model");
    bytes32 internal constant REQUEST = keccak256("a request");

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

    // equivocation

    function test_Slash_TakesStakeAndUnbonding() public {
        vm.prank(ownerOf(1));
        operators.beginUnbonding(0.4 ether);
        address reporter = makeAddr("reporter");
        SignedOutput memory first = signed(keys[1], 0, "one answer");
        SignedOutput memory second = signed(keys[1], 0, "another answer");
        vm.expectEmit(address(operators));
        emit IOperatorRegistry.EquivocationSlashed(1, REQUEST, reporter, 1 ether, 0.1 ether);
        vm.prank(reporter);
        operators.slashEquivocation(address(oracle), REQUEST, 0, first, second);
        assertEq(reporter.balance, 0.1 ether);
        assertEq(operators.slashedFunds(), 0.9 ether);
        assertEq(operators.stakeOf(1), 0);
        (uint256 unbonding,) = operators.unbondingOf(1);
        assertEq(unbonding, 0);
        assertFalse(operators.enrolmentOf(MODEL, 1).exists());
        vm.prank(owner);
        operators.withdrawSlashedFunds(owner);
        assertEq(owner.balance, 0.9 ether);
    }

    function test_Slash_ReachesAKeyThatWasRotatedAway() public {
        rotate(1, 77);
        slash(keys[1], 0, "one answer", "another answer");
        assertEq(operators.stakeOf(1), 0);
    }

    function test_Slash_ReachesAcrossAnOldAndANewKey() public {
        rotate(1, 77);
        SignedOutput memory first = signed(keys[1], 1, "one answer");
        SignedOutput memory second = signed(77, 1, "another answer");
        operators.slashEquivocation(address(oracle), REQUEST, 1, first, second);
        assertEq(operators.stakeOf(1), 0);
    }

    function test_RevertGiven_AlreadySlashed() public {
        slash(keys[1], 0, "one answer", "another answer");
        SignedOutput memory first = signed(keys[1], 5, "one answer");
        SignedOutput memory second = signed(keys[1], 5, "another answer");
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.OperatorSlashed.selector, 1));
        operators.slashEquivocation(address(oracle), REQUEST, 5, first, second);
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.OperatorSlashed.selector, 1));
        operators.addStake{value: 1 ether}(1);
        vm.prank(ownerOf(1));
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.OperatorSlashed.selector, 1));
        operators.enroll(MODEL);
    }

    function test_RevertWhen_OneOutputIsShownTwice() public {
        SignedOutput memory once = signed(keys[1], 0, "one answer");
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.SameOutput.selector, keccak256("one answer")));
        operators.slashEquivocation(address(oracle), REQUEST, 0, once, once);
    }

    function test_RevertWhen_TwoOperatorsSignedDifferently() public {
        SignedOutput memory first = signed(keys[1], 0, "one answer");
        SignedOutput memory second = signed(keys[2], 0, "another answer");
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.SignersDiffer.selector, 1, 2));
        operators.slashEquivocation(address(oracle), REQUEST, 0, first, second);
    }

    function test_RevertWhen_TheViewsDiffer() public {
        SignedOutput memory first = signed(keys[1], 0, "one answer");
        SignedOutput memory second = signed(keys[1], 1, "another answer");
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.SignersDiffer.selector, 1, 0));
        operators.slashEquivocation(address(oracle), REQUEST, 0, first, second);
    }

    function test_RevertWhen_NobodySigned() public {
        SignedOutput memory first = SignedOutput(keccak256("one answer"), 0, 0);
        SignedOutput memory second = SignedOutput(keccak256("another answer"), 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.SignersDiffer.selector, 0, 0));
        operators.slashEquivocation(address(oracle), REQUEST, 0, first, second);
    }

    function test_RevertWhen_TheOracleIsNotTrusted() public {
        SignedOutput memory any;
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.OracleNotTrusted.selector, address(this)));
        operators.slashEquivocation(address(this), REQUEST, 0, any, any);
    }

    // governance

    function test_RevertWhen_AParameterIsOutOfBounds() public {
        expectRefused(0, "minStakeWei", 0.001 ether - 1, 0.001 ether, 1000 ether);
        expectRefused(1, "maxStakeWei", 0.1 ether - 1, 0.1 ether, 100_000 ether);
        expectRefused(2, "activationSeconds", 0, 1, 7 days);
        expectRefused(3, "unbondingSeconds", 2 days - 1, 2 days, 90 days);
        expectRefused(4, "reporterBps", 5001, 0, 5000);
    }

    function test_RevertWhen_AStrangerGoverns() public {
        bytes memory refused = abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, address(this));
        vm.expectRevert(refused);
        operators.setParameters(operatorParameters());
        vm.expectRevert(refused);
        operators.trustOracle(address(1));
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
        vm.prank(owner);
        vm.expectRevert(
            abi.encodeWithSelector(IOperatorRegistry.ParameterOutOfBounds.selector, name, value, minimum, maximum)
        );
        operators.setParameters(p);
    }

    function rotate(uint32 operatorId, uint256 key) private {
        bytes memory agreed = consent(ownerOf(operatorId), key);
        vm.prank(ownerOf(operatorId));
        operators.rotateAttester(vm.addr(key), agreed);
    }

    function slash(uint256 key, uint32 viewNumber, bytes memory one, bytes memory other) private {
        operators.slashEquivocation(
            address(oracle), REQUEST, viewNumber, signed(key, viewNumber, one), signed(key, viewNumber, other)
        );
    }

    function signed(uint256 key, uint32 viewNumber, bytes memory answer) private view returns (SignedOutput memory) {
        Attestation memory attestation = signWith(key, 0, REQUEST, answer, viewNumber, address(oracle));
        return SignedOutput(keccak256(answer), attestation.r, attestation.vs);
    }
}
