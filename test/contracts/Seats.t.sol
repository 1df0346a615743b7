// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {OracleFixture} from "./support/OracleFixture.sol";
import {IInferenceOracle} from "@sibyl/contracts/interfaces/IInferenceOracle.sol";
import {IOperatorRegistry} from "@sibyl/contracts/interfaces/IOperatorRegistry.sol";
import {Seats} from "@sibyl/contracts/libraries/Seats.sol";
import {Attestation} from "@sibyl/contracts/types/Attestation.sol";
import {Enrolment} from "@sibyl/contracts/types/Enrolment.sol";
import {Offence} from "@sibyl/contracts/types/Offence.sol";
import {Request} from "@sibyl/contracts/types/Request.sol";

/// Which seats an open request counts, and what becomes of it when a seat cannot be read.
contract SeatsTest is OracleFixture {
    // reading

    function test_Read_IsTheRegistrysAnswer() public view {
        assertEq(word(this.read(operators, MODEL, 1)), word(operators.enrolmentOf(MODEL, 1)));
        assertEq(word(this.read(operators, MODEL, 9)), 0);
        assertEq(word(this.read(operators, keccak256("another model"), 1)), 0);
    }

    function test_RevertGiven_TheRegistryIsNoContract() public {
        address nobody = makeAddr("nobody");
        vm.expectRevert(abi.encodeWithSelector(Seats.SeatUnreadable.selector, nobody));
        this.read(IOperatorRegistry(nobody), MODEL, 1);
    }

    function test_RevertGiven_TheAnswerIsNotOneWord() public {
        bytes memory question = abi.encodeCall(IOperatorRegistry.enrolmentOf, (MODEL, 1));
        vm.mockCall(address(operators), question, new bytes(31));
        expectUnreadable();
        vm.mockCall(address(operators), question, new bytes(64));
        expectUnreadable();
        vm.mockCallRevert(address(operators), question, abi.encode(uint256(1)));
        expectUnreadable();
    }

    function test_RevertGiven_ASettlementCannotReadASeat() public {
        Request memory request = open(params());
        Attestation[] memory attestations = attest(request);
        bytes memory question = abi.encodeCall(IOperatorRegistry.enrolmentOf, (MODEL, 2));
        vm.mockCallRevert(address(operators), question, "");
        vm.expectRevert(abi.encodeWithSelector(Seats.SeatUnreadable.selector, address(operators)));
        oracle.settle(request, output, 0, attestations);
    }

    // counting

    function test_Activation_CountsFromItsSecondOn() public {
        uint32 id = join(MODEL, STAKE);
        uint256 activeFrom = operators.enrolmentOf(MODEL, id).activeFrom();
        vm.warp(activeFrom - 1);
        Request memory early = open(params());
        vm.warp(activeFrom);
        Request memory inTime = open(params());
        assertEq(inTime.opening.openedAt(), activeFrom);
        // Late enough for everybody to be drawn.
        skip(9 minutes);
        Attestation[] memory withTheNewOne = by(early, 1, 2, id);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.SeatNotActive.selector, id, activeFrom, activeFrom - 1));
        oracle.settle(early, output, 0, withTheNewOne);
        oracle.settle(inTime, output, 0, by(inTime, 1, 2, id));
        assertEq(consumer.results(), 1);
    }

    /// @dev Neither key settles what was open before: the seat moved past it.
    function test_Rotation_CountsForLaterRequestsOnly() public {
        Request memory before = open(params());
        Attestation[] memory signedBefore = attest(before);
        rotate(1, 77);
        keys[1] = 77;
        Attestation[] memory signedAnew = attest(before);
        skip(1);
        Request memory afterwards = open(params());
        skip(9 minutes);
        vm.expectPartialRevert(IInferenceOracle.SeatNotActive.selector);
        oracle.settle(before, output, 0, signedBefore);
        vm.expectPartialRevert(IInferenceOracle.SeatNotActive.selector);
        oracle.settle(before, output, 0, signedAnew);
        oracle.settle(afterwards, output, 0, attest(afterwards));
        assertEq(consumer.results(), 1);
    }

    function test_Jail_TakesTheOperatorOutOfOpenRequests() public {
        address judge = makeAddr("judge");
        vm.prank(owner);
        operators.trustJudge(judge);
        Request memory request = open(params());
        Attestation[] memory attestations = attest(request);
        vm.prank(judge);
        operators.punish(1, Offence.OverturnedOutput, address(0));
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.SignerNotEnrolled.selector, MODEL, 1));
        oracle.settle(request, output, 0, attestations);
        join(MODEL, STAKE);
        skip(60);
        (, uint32 seats) = operators.seatTotalsOf(MODEL);
        assertEq(seats, 3);
        Request memory later = open(params());
        skip(9 minutes);
        oracle.settle(later, output, 0, by(later, 2, 3, 4));
        assertEq(consumer.results(), 1);
    }

    function test_Unbonding_ReweighsForLaterRequestsOnly() public {
        Request memory before = open(params());
        assertEq(before.opening.totalWeight(), 3e6);
        vm.prank(ownerOf(1));
        operators.beginUnbonding(0.5 ether);
        Request memory afterwards = open(params());
        assertEq(afterwards.opening.totalWeight(), 2.5e6);
        Attestation[] memory attestations = attest(before);
        // The seat moved past the request's opening, so no weight changes under a draw that is known.
        vm.expectPartialRevert(IInferenceOracle.SeatNotActive.selector);
        oracle.settle(before, output, 0, attestations);
    }

    function read(IOperatorRegistry registry, bytes32 modelId, uint32 operatorId) external view returns (Enrolment) {
        return Seats.read(registry, modelId, operatorId);
    }

    function expectUnreadable() private {
        vm.expectRevert(abi.encodeWithSelector(Seats.SeatUnreadable.selector, address(operators)));
        this.read(operators, MODEL, 1);
    }

    function by(Request memory request, uint32 a, uint32 b, uint32 c)
        private
        view
        returns (Attestation[] memory attestations)
    {
        attestations = new Attestation[](3);
        attestations[0] = sign(a, request, output, 0);
        attestations[1] = sign(b, request, output, 0);
        attestations[2] = sign(c, request, output, 0);
    }

    function word(Enrolment seat) private pure returns (uint256) {
        return Enrolment.unwrap(seat);
    }
}
