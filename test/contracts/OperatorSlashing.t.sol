// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {OracleFixture} from "./support/OracleFixture.sol";

import {IOperatorRegistry} from "@sibyl/contracts/interfaces/IOperatorRegistry.sol";
import {Attestation} from "@sibyl/contracts/types/Attestation.sol";
import {DeterminismProfileLib, OutputCodec, ProfileKind} from "@sibyl/contracts/types/DeterminismProfile.sol";
import {Offence} from "@sibyl/contracts/types/Offence.sol";
import {OperatorParameters} from "@sibyl/contracts/types/OperatorParameters.sol";
import {Request} from "@sibyl/contracts/types/Request.sol";
import {SignedOutput} from "@sibyl/contracts/types/SignedOutput.sol";

/// How operators lose stake, and who gets it.
contract OperatorSlashingTest is OracleFixture {
    bytes32 internal constant OTHER_MODEL = keccak256("another model");
    bytes32 internal constant REQUEST = keccak256("a request");

    bytes32 internal constant EXACT_MODEL = keccak256("an exact model");

    address internal judge = makeAddr("judge");
    address internal reporter = makeAddr("reporter");

    function setUp() public override {
        super.setUp();
        vm.prank(owner);
        operators.trustJudge(judge);
        vm.prank(publisher);
        models.publish(
            EXACT_MODEL, "", 0, 0, 0, 0, DeterminismProfileLib.pack(ProfileKind.Exact, OutputCodec.Scalar, 0, 0)
        );
    }

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

    function slash(uint256 key, uint32 viewNumber, bytes memory one, bytes memory other) private {
        operators.slashEquivocation(
            address(oracle), REQUEST, viewNumber, signed(key, viewNumber, one), signed(key, viewNumber, other)
        );
    }

    function requestFor(bytes32 modelId) private view returns (Request memory request) {
        request.modelId = modelId;
        request.inputHash = keccak256(input);
    }

    function signed(uint256 key, uint32 viewNumber, bytes memory answer) private view returns (SignedOutput memory) {
        return signedFor(key, REQUEST, viewNumber, answer);
    }

    function signedFor(uint256 key, bytes32 requestId, uint32 viewNumber, bytes memory answer)
        private
        view
        returns (SignedOutput memory)
    {
        Attestation memory attestation = signWith(key, 0, requestId, answer, viewNumber, address(oracle));
        return SignedOutput(keccak256(answer), attestation.r, attestation.vs);
    }
}
