// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {OpeningCourtFixture} from "./support/OpeningCourtFixture.sol";
import {OpeningCourt} from "@sibyl/contracts/OpeningCourt.sol";
import {IOpeningCourt} from "@sibyl/contracts/interfaces/IOpeningCourt.sol";
import {TensorCodec} from "@sibyl/contracts/libraries/codecs/TensorCodec.sol";
import {CourtParameters} from "@sibyl/contracts/types/CourtParameters.sol";
import {DeterminismProfileLib, OutputCodec, ProfileKind} from "@sibyl/contracts/types/DeterminismProfile.sol";
import {DemandStatus, OpeningDemand} from "@sibyl/contracts/types/OpeningDemand.sol";
import {Request} from "@sibyl/contracts/types/Request.sol";
import {SignedCommitment} from "@sibyl/contracts/types/SignedCommitment.sol";
import {SignedOutput} from "@sibyl/contracts/types/SignedOutput.sol";

/// What a demand takes: evidence, a bond, and its time.
contract OpeningDemandTest is OpeningCourtFixture {
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
}
