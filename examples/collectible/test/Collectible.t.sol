// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";

import {Collectible} from "../contracts/Collectible.sol";
import {DigitImage} from "../contracts/DigitImage.sol";
import {ClassificationCodec} from "@sibyl/contracts/libraries/codecs/ClassificationCodec.sol";
import {TensorCodec} from "@sibyl/contracts/libraries/codecs/TensorCodec.sol";
import {InferenceTest} from "@sibyl/contracts/testing/InferenceTest.sol";

contract CollectibleTest is Test, InferenceTest {
    bytes32 internal constant MODEL = keccak256("digits");

    Collectible internal collectible;
    address internal artist = makeAddr("artist");

    function setUp() public {
        collectible = new Collectible(oracle, MODEL, inferenceSettings());
        vm.deal(artist, 100 ether);
    }

    function test_Mint_AsksForTheImageAsATensor() public {
        bytes32 id = draw("a seven");
        (uint8 dtype, uint32[] memory shape, bytes memory data) = TensorCodec.decode(oracle.inputOf(id));
        assertEq(dtype, 2);
        assertEq(shape.length, 3);
        assertEq(uint256(shape[0]) * shape[1] * shape[2], 784);
        assertEq(data, image("a seven"));
    }

    function test_Result_BecomesAToken() public {
        bytes32 id = draw("a seven");
        answer(id, ClassificationCodec.encode(7, 0.99e18));
        assertEq(collectible.ownerOf(1), artist);
        assertEq(collectible.digitBalanceOf(artist, 7), 1);
        (, Collectible.DrawingStatus status, uint8 digit, uint64 confidenceWad,) = collectible.drawings(id);
        assertEq(uint8(status), uint8(Collectible.DrawingStatus.Minted));
        assertEq(digit, 7);
        assertEq(confidenceWad, 0.99e18);
    }

    function test_Result_UnsureMakesNoToken() public {
        bytes32 id = draw("a scribble");
        answer(id, ClassificationCodec.encode(8, 0.89e18));
        assertEq(collectible.totalSupply(), 0);
        (, Collectible.DrawingStatus status,,,) = collectible.drawings(id);
        assertEq(uint8(status), uint8(Collectible.DrawingStatus.Unreadable));
    }

    function test_FullSet_NeedsAllTenAndFollowsTransfers() public {
        for (uint32 digit = 0; digit < 10; ++digit) {
            assertFalse(collectible.hasFullSet(artist));
            answer(draw(vm.toString(digit)), ClassificationCodec.encode(digit, 1e18));
        }
        assertTrue(collectible.hasFullSet(artist));
        address friend = makeAddr("friend");
        vm.prank(artist);
        collectible.transferFrom(artist, friend, 4);
        assertFalse(collectible.hasFullSet(artist));
        assertEq(collectible.digitBalanceOf(friend, 3), 1);
    }

    function test_TokenURI_HoldsTheImage() public {
        answer(draw("a seven"), ClassificationCodec.encode(7, 0.99e18));
        string memory uri = collectible.tokenURI(1);
        assertEq(vm.indexOf(uri, "data:application/json;base64,"), 0);
        string memory svg = string(DigitImage.svg(image("a seven")));
        assertNotEq(vm.indexOf(svg, "M0 0.5h28M0 1.5h1\""), type(uint256).max);
    }

    function test_Expiry_RefundsAndFreesTheImage() public {
        uint256 before = artist.balance;
        bytes32 id = draw("a seven");
        expire(id);
        (, Collectible.DrawingStatus status,,,) = collectible.drawings(id);
        assertEq(uint8(status), uint8(Collectible.DrawingStatus.Expired));
        vm.prank(artist);
        collectible.claimRefund();
        assertEq(artist.balance, before);
        draw("a seven");
    }

    function test_RevertGiven_TheImageWasDrawnBefore() public {
        draw("a seven");
        uint256 fee = collectible.mintFee();
        vm.prank(artist);
        vm.expectRevert(abi.encodeWithSelector(Collectible.AlreadyDrawn.selector, keccak256(image("a seven"))));
        collectible.mint{value: fee}(image("a seven"));
    }

    function test_RevertWhen_TheImageHasTheWrongSize() public {
        vm.expectRevert(abi.encodeWithSelector(Collectible.WrongImageSize.selector, 783, 784));
        collectible.mint(new bytes(783));
    }

    function test_Callback_LeavesGasToSpare() public {
        bytes32 id = draw("a seven");
        answer(id, ClassificationCodec.encode(7, 0.99e18));
        assertLt(oracle.callbackGasOf(id), 200_000);
    }

    function draw(string memory what) private returns (bytes32) {
        uint256 fee = collectible.mintFee();
        vm.prank(artist);
        return collectible.mint{value: fee}(image(what));
    }

    /// @dev A full row, one pixel, and a mark that differs with `what`, too faint to show.
    function image(string memory what) private pure returns (bytes memory pixels) {
        pixels = new bytes(784);
        for (uint256 column = 0; column < 28; ++column) {
            pixels[column] = 0xff;
        }
        pixels[28] = 0xff;
        pixels[783] = bytes1(uint8(uint256(keccak256(bytes(what))) % 90));
    }
}
