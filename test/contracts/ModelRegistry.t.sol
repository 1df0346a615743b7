// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {OracleFixture} from "./support/OracleFixture.sol";
import {IModelRegistry} from "@sibyl/contracts/interfaces/IModelRegistry.sol";
import {
    DeterminismProfile,
    DeterminismProfileLib,
    OutputCodec,
    ProfileKind
} from "@sibyl/contracts/types/DeterminismProfile.sol";
import {Enrolment, EnrolmentLib} from "@sibyl/contracts/types/Enrolment.sol";
import {ModelStatus, ModelTerms} from "@sibyl/contracts/types/ModelTerms.sol";

/// What publishers say about their models, and the totals of seats beside it.
contract ModelRegistryTest is OracleFixture {
    // publishing

    function test_Publish_IsForTheFirstAndForEver() public {
        assertEq(models.publisherOf(MODEL), publisher);
        assertEq(models.manifestURIOf(MODEL), "https://models.example/a");
        assertEq(models.termsOf(MODEL).pricePerExecution(), PRICE);
        assertEq(models.termsOf(MODEL).pricePerKiB(), PRICE_PER_KIB);
        assertEq(models.termsOf(MODEL).royaltyBps(), ROYALTY_BPS);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ModelAlreadyPublished.selector, MODEL, publisher));
        models.publish(MODEL, "", 0, 0, 0, 0, profile());
        vm.expectRevert(IModelRegistry.ZeroModelId.selector);
        models.publish(0, "", 0, 0, 0, 0, profile());
    }

    function test_RevertWhen_TheRoyaltyIsTooHigh() public {
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.RoyaltyTooHigh.selector, 5001, 5000));
        models.publish(keccak256("new"), "", 0, 0, 0, 5001, profile());
        vm.prank(publisher);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.RoyaltyTooHigh.selector, 5001, 5000));
        models.setPrice(MODEL, 0, 0, 0, 5001);
    }

    function test_Publisher_ChangesPriceAndPlace() public {
        vm.startPrank(publisher);
        models.setPrice(MODEL, 3, 7, 8, 9);
        models.setManifestURI(MODEL, "ipfs://b");
        vm.stopPrank();
        assertEq(models.termsOf(MODEL).tokenIndex(), 3);
        assertEq(models.termsOf(MODEL).pricePerExecution(), 7);
        assertEq(models.termsOf(MODEL).pricePerKiB(), 8);
        assertEq(models.termsOf(MODEL).royaltyBps(), 9);
        assertEq(models.manifestURIOf(MODEL), "ipfs://b");
    }

    function test_RevertWhen_NotThePublisher() public {
        bytes memory refused =
            abi.encodeWithSelector(IModelRegistry.NotPublisher.selector, MODEL, publisher, address(this));
        vm.expectRevert(refused);
        models.setPrice(MODEL, 0, 0, 0, 0);
        vm.expectRevert(refused);
        models.setManifestURI(MODEL, "");
        vm.expectRevert(refused);
        models.retire(MODEL);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ModelNotPublished.selector, keccak256("no")));
        models.retire(keccak256("no"));
    }

    function test_Retire_IsForEver() public {
        vm.startPrank(publisher);
        models.retire(MODEL);
        assertEq(uint8(models.termsOf(MODEL).status()), uint8(ModelStatus.Retired));
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ModelIsRetired.selector, MODEL));
        models.setPrice(MODEL, 0, 0, 0, 0);
    }

    // profile

    function test_Profile_IsFixedAtPublishing() public {
        assertEq(word(models.profileOf(MODEL)), word(profile()));
        assertEq(word(models.profileOf(keccak256("nobody's"))), 0);
        DeterminismProfile exact = DeterminismProfileLib.pack(ProfileKind.Exact, OutputCodec.Tensor, 0, 0);
        bytes32 fresh = keccak256("an exact model");
        vm.recordLogs();
        vm.prank(publisher);
        models.publish(fresh, "", 0, 0, 0, 0, exact);
        (,, DeterminismProfile told) =
            abi.decode(vm.getRecordedLogs()[0].data, (string, ModelTerms, DeterminismProfile));
        assertEq(word(told), word(exact));
        assertEq(word(models.profileOf(fresh)), word(exact));
        vm.startPrank(publisher);
        models.setPrice(fresh, 0, 1, 1, 1);
        models.retire(fresh);
        assertEq(word(models.profileOf(fresh)), word(exact), "for ever");
    }

    function test_RevertWhen_TheProfileIsNone() public {
        refuse(DeterminismProfile.wrap(0), abi.encodeWithSelector(DeterminismProfileLib.ProfileKindUnknown.selector, 0));
        refuse(
            DeterminismProfile.wrap(uint256(3) << 248 | uint256(1) << 240),
            abi.encodeWithSelector(DeterminismProfileLib.ProfileKindUnknown.selector, 3)
        );
        refuse(
            DeterminismProfile.wrap(uint256(1) << 248),
            abi.encodeWithSelector(DeterminismProfileLib.OutputCodecUnknown.selector, 0)
        );
        refuse(
            DeterminismProfile.wrap(uint256(1) << 248 | uint256(7) << 240),
            abi.encodeWithSelector(DeterminismProfileLib.OutputCodecUnknown.selector, 7)
        );
    }

    function test_RevertWhen_AnExactProfileHasTolerances() public {
        refuse(
            DeterminismProfileLib.pack(ProfileKind.Exact, OutputCodec.Scalar, 1, 0),
            abi.encodeWithSelector(DeterminismProfileLib.ExactWithTolerance.selector, 1, 0)
        );
        refuse(
            DeterminismProfileLib.pack(ProfileKind.Exact, OutputCodec.Scalar, 0, 1),
            abi.encodeWithSelector(DeterminismProfileLib.ExactWithTolerance.selector, 0, 1)
        );
    }

    function test_RevertWhen_ATolerantProfileIsOutOfBounds() public {
        refuse(
            DeterminismProfileLib.pack(ProfileKind.Tolerance, OutputCodec.Text, 0, 0),
            abi.encodeWithSelector(DeterminismProfileLib.TextWithTolerance.selector)
        );
        refuse(
            DeterminismProfileLib.pack(ProfileKind.Tolerance, OutputCodec.Scalar, 0, 1e18 + 1),
            abi.encodeWithSelector(DeterminismProfileLib.RelativeToleranceTooHigh.selector, 1e18 + 1, 1e18)
        );
        models.publish(
            keccak256("the highest"),
            "",
            0,
            0,
            0,
            0,
            DeterminismProfileLib.pack(ProfileKind.Tolerance, OutputCodec.Scalar, type(uint120).max, 1e18)
        );
    }

    // seats

    /// @dev Anybody may keep totals, under its own name: nobody can move those of another registry.
    function test_ReplaceSeat_OfAStrangerMovesItsOwnTotalsOnly() public {
        (ModelTerms terms, uint64 total, uint32 seats) = models.offerOf(MODEL, address(operators));
        Enrolment seat = EnrolmentLib.pack(address(1), 5, 7);
        assertEq(models.replaceSeat(MODEL, EnrolmentLib.NONE, seat), 5);
        (, uint64 strangers, uint32 strangersSeats) = models.offerOf(MODEL, address(this));
        assertEq(strangers, 5);
        assertEq(strangersSeats, 1);
        (ModelTerms termsAfter, uint64 totalAfter, uint32 seatsAfter) = models.offerOf(MODEL, address(operators));
        assertEq(ModelTerms.unwrap(termsAfter), ModelTerms.unwrap(terms));
        assertEq(totalAfter, total);
        assertEq(seatsAfter, seats);
        assertEq(models.replaceSeat(MODEL, seat, EnrolmentLib.NONE), 0);
    }

    function test_RevertWhen_AStrangerGivesBackASeatItNeverHad() public {
        Enrolment seat = operators.enrolmentOf(MODEL, 1);
        vm.expectRevert();
        models.replaceSeat(MODEL, seat, EnrolmentLib.NONE);
    }

    function test_Offer_OfANobodyIsEmpty() public view {
        (ModelTerms terms, uint64 total, uint32 seats) = models.offerOf(keccak256("nobody's"), address(this));
        assertEq(ModelTerms.unwrap(terms), 0);
        assertEq(total, 0);
        assertEq(seats, 0);
    }

    function refuse(DeterminismProfile wrong, bytes memory reason) private {
        vm.expectRevert(reason);
        models.publish(keccak256("new"), "", 0, 0, 0, 0, wrong);
    }

    function word(DeterminismProfile packed) private pure returns (uint256) {
        return DeterminismProfile.unwrap(packed);
    }
}
