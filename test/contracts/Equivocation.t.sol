// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SlashingFixture} from "./support/SlashingFixture.sol";
import {IOperatorRegistry} from "@sibyl/contracts/interfaces/IOperatorRegistry.sol";
import {OperatorParameters} from "@sibyl/contracts/types/OperatorParameters.sol";
import {Request} from "@sibyl/contracts/types/Request.sol";
import {SignedOutput} from "@sibyl/contracts/types/SignedOutput.sol";

/// Two outputs signed where one may be: everything is lost.
contract EquivocationTest is SlashingFixture {
    // equivocation

    function test_Slash_TakesStakeAndUnbonding() public {
        vm.prank(ownerOf(1));
        operators.beginUnbonding(0.4 ether);
        SignedOutput memory first = signed(keys[1], 0, "one answer");
        SignedOutput memory second = signed(keys[1], 0, "another answer");
        vm.expectEmit(address(operators));
        emit IOperatorRegistry.EquivocationSlashed(1, REQUEST, reporter, 1 ether, 0.1 ether);
        vm.prank(reporter);
        operators.slashEquivocation(address(oracle), REQUEST, 0, first, second);
        assertEq(operators.rewardsOf(reporter), 0.1 ether);
        vm.prank(reporter);
        operators.withdrawRewards(reporter);
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

    // equivocation across views

    function test_SlashCrossView_TakesAllForAnExactModel() public {
        Request memory request = requestFor(EXACT_MODEL);
        SignedOutput memory first = signedFor(keys[1], request.id(), 0, "one answer");
        SignedOutput memory second = signedFor(keys[1], request.id(), 3, "another answer");
        vm.expectEmit(address(operators));
        emit IOperatorRegistry.EquivocationSlashed(1, request.id(), reporter, 1 ether, 0.1 ether);
        vm.prank(reporter);
        assertEq(operators.slashCrossViewEquivocation(address(oracle), request, 0, first, 3, second), 1 ether);
        assertEq(operators.stakeOf(1), 0);
        assertEq(operators.rewardsOf(reporter), 0.1 ether);
        assertFalse(operators.enrolmentOf(MODEL, 1).exists());
    }

    function test_SlashCrossView_ReachesAKeyThatWasRotatedAwayAndLeavingStake() public {
        Request memory request = requestFor(EXACT_MODEL);
        SignedOutput memory first = signedFor(keys[1], request.id(), 0, "one answer");
        rotate(1, 77);
        SignedOutput memory second = signedFor(77, request.id(), 1, "another answer");
        vm.prank(ownerOf(1));
        operators.beginUnbonding(1 ether);
        assertEq(operators.slashCrossViewEquivocation(address(oracle), request, 0, first, 1, second), 1 ether);
        (uint256 unbonding,) = operators.unbondingOf(1);
        assertEq(unbonding, 0);
    }

    function test_SlashCrossView_CoversOneViewToo() public {
        Request memory request = requestFor(EXACT_MODEL);
        SignedOutput memory first = signedFor(keys[1], request.id(), 2, "one answer");
        SignedOutput memory second = signedFor(keys[1], request.id(), 2, "another answer");
        operators.slashCrossViewEquivocation(address(oracle), request, 2, first, 2, second);
        assertEq(operators.stakeOf(1), 0);
    }

    function test_RevertGiven_HonestOutputsMayDiffer() public {
        Request memory request = requestFor(MODEL);
        SignedOutput memory first = signedFor(keys[1], request.id(), 0, "one answer");
        SignedOutput memory second = signedFor(keys[1], request.id(), 1, "another answer");
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.ModelNotExact.selector, MODEL));
        operators.slashCrossViewEquivocation(address(oracle), request, 0, first, 1, second);
        request = requestFor(OTHER_MODEL);
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.ModelNotExact.selector, OTHER_MODEL));
        operators.slashCrossViewEquivocation(address(oracle), request, 0, first, 1, second);
    }

    /// @dev Another struct has another id, so signatures for a tolerant model cannot be shown as if for an exact one.
    function test_RevertWhen_TheModelIsSwapped() public {
        Request memory request = requestFor(MODEL);
        SignedOutput memory first = signedFor(keys[1], request.id(), 0, "one answer");
        SignedOutput memory second = signedFor(keys[1], request.id(), 1, "another answer");
        request.modelId = EXACT_MODEL;
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.SignersDiffer.selector, 0, 0));
        operators.slashCrossViewEquivocation(address(oracle), request, 0, first, 1, second);
    }

    function test_RevertWhen_CrossViewEvidenceIsNone() public {
        Request memory request = requestFor(EXACT_MODEL);
        SignedOutput memory first = signedFor(keys[1], request.id(), 0, "one answer");
        SignedOutput memory again = signedFor(keys[1], request.id(), 1, "one answer");
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.SameOutput.selector, keccak256("one answer")));
        operators.slashCrossViewEquivocation(address(oracle), request, 0, first, 1, again);
        SignedOutput memory others = signedFor(keys[2], request.id(), 1, "another answer");
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.SignersDiffer.selector, 1, 2));
        operators.slashCrossViewEquivocation(address(oracle), request, 0, first, 1, others);
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.OracleNotTrusted.selector, address(this)));
        operators.slashCrossViewEquivocation(address(this), request, 0, first, 1, others);
    }

    function testFuzz_Slash_NeverPaysTheOperator(uint16 reporterBps, uint96 stake) public {
        OperatorParameters memory p = operatorParameters();
        p.reporterBps = uint16(bound(reporterBps, 0, 4999));
        vm.prank(owner);
        operators.setParameters(p);
        uint32 id = join(MODEL, bound(stake, 0.1 ether, 1000 ether));
        SignedOutput memory first = signed(keys[id], 0, "one answer");
        SignedOutput memory second = signed(keys[id], 0, "another answer");
        vm.prank(reporter);
        uint256 amount = operators.slashEquivocation(address(oracle), REQUEST, 0, first, second);
        assertLt(operators.rewardsOf(reporter) * 2, amount);
        assertEq(operators.slashedFunds() + operators.rewardsOf(reporter), amount);
    }
}
