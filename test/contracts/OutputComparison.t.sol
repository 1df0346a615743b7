// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";

import {OutputComparison} from "@sibyl/contracts/libraries/OutputComparison.sol";
import {ScalarCodec} from "@sibyl/contracts/libraries/codecs/ScalarCodec.sol";
import {TensorCodec} from "@sibyl/contracts/libraries/codecs/TensorCodec.sol";
import {VectorCodec} from "@sibyl/contracts/libraries/codecs/VectorCodec.sol";
import {
    DeterminismProfile,
    DeterminismProfileLib,
    OutputCodec,
    ProfileKind
} from "@sibyl/contracts/types/DeterminismProfile.sol";

/// Outputs compared on chain as the SDK compares them.
contract OutputComparisonTest is Test {
    function test_Vectors_Comparison() public {
        string memory json = vm.readFile("test/vectors/comparison.json");
        string[] memory why = vm.parseJsonStringArray(json, ".why");
        uint256[] memory profiles = vm.parseJsonUintArray(json, ".profile");
        bytes[] memory a = vm.parseJsonBytesArray(json, ".a");
        bytes[] memory b = vm.parseJsonBytesArray(json, ".b");
        bool[] memory agrees = vm.parseJsonBoolArray(json, ".agrees");
        bool[] memory comparable = vm.parseJsonBoolArray(json, ".comparable");
        uint256 agreeing;
        for (uint256 i = 0; i < why.length; ++i) {
            DeterminismProfile profile = DeterminismProfile.wrap(profiles[i]);
            if (!comparable[i]) {
                assertFalse(OutputComparison.isComparable(profile, a[i]), why[i]);
                vm.expectRevert(OutputComparison.Float64NotComparable.selector);
                this.agree(profile, a[i], b[i]);
                continue;
            }
            assertEq(OutputComparison.agree(profile, a[i], b[i]), agrees[i], why[i]);
            assertEq(OutputComparison.agree(profile, b[i], a[i]), agrees[i], why[i]);
            if (agrees[i]) ++agreeing;
        }
        assertGt(agreeing, 60);
        assertGt(why.length - agreeing, 60);
    }

    function test_IsComparable_AllButTolerantFloat64() public pure {
        bytes memory float64 = TensorCodec.encode(11, new uint32[](0), hex"000000000000f03f");
        bytes memory float32 = TensorCodec.encode(1, new uint32[](0), hex"0000803f");
        assertFalse(OutputComparison.isComparable(tolerance(OutputCodec.Tensor, 1, 0), float64));
        assertTrue(OutputComparison.isComparable(tolerance(OutputCodec.Tensor, 1, 0), float32));
        assertTrue(OutputComparison.isComparable(tolerance(OutputCodec.Tensor, 1, 0), ""));
        assertTrue(OutputComparison.isComparable(tolerance(OutputCodec.Vector, 1, 0), float64));
        DeterminismProfile exact = DeterminismProfileLib.pack(ProfileKind.Exact, OutputCodec.Tensor, 0, 0);
        assertTrue(OutputComparison.isComparable(exact, float64));
    }

    /// @dev The formula as it reads, where its products fit a word.
    function testFuzz_Agree_ScalarsByTheFormula(int128 a, int128 b, uint120 abs, uint120 rel) public pure {
        abs = uint120(bound(abs, 0, type(uint120).max));
        rel = uint120(bound(rel, 0, 1e18));
        uint256 distance = a > b ? uint256(int256(a) - b) : uint256(int256(b) - a);
        uint256 scale = max(magnitude(a), magnitude(b));
        bool expected = distance * 1e18 <= max(uint256(abs) * 1e18, uint256(rel) * scale);
        DeterminismProfile profile = tolerance(OutputCodec.Scalar, abs, rel);
        assertEq(OutputComparison.agree(profile, ScalarCodec.encode(a), ScalarCodec.encode(b)), expected);
    }

    /// @dev At the edge: what the relative tolerance just allows, and one wei more.
    function testFuzz_Agree_RelToTheWei(uint128 a, uint120 rel) public pure {
        rel = uint120(bound(rel, 0, 1e18));
        int256 x = int256(uint256(a));
        int256 allowed = int256(uint256(rel) * a / 1e18);
        DeterminismProfile profile = tolerance(OutputCodec.Scalar, 0, rel);
        bytes memory given = ScalarCodec.encode(x);
        assertTrue(OutputComparison.agree(profile, given, ScalarCodec.encode(x - allowed)));
        assertFalse(OutputComparison.agree(profile, given, ScalarCodec.encode(x - allowed - 1)));
        assertFalse(OutputComparison.agree(profile, given, ScalarCodec.encode(-x - 1)));
    }

    function testFuzz_Agree_IsSymmetricOverAllIntegers(int256 a, int256 b, uint120 abs, uint120 rel) public pure {
        DeterminismProfile profile = tolerance(OutputCodec.Scalar, abs, uint120(bound(rel, 0, 1e18)));
        bytes memory x = ScalarCodec.encode(a);
        bytes memory y = ScalarCodec.encode(b);
        bool agrees = OutputComparison.agree(profile, x, y);
        assertEq(OutputComparison.agree(profile, y, x), agrees);
        int256[] memory one = new int256[](1);
        int256[] memory other = new int256[](1);
        (one[0], other[0]) = (a, b);
        profile = tolerance(OutputCodec.Vector, profile.abs(), profile.rel());
        assertEq(OutputComparison.agree(profile, VectorCodec.encode(one), VectorCodec.encode(other)), agrees);
    }

    /// @dev Two float32 numbers that are near each other, in tensors that cannot be: nothing is like them.
    function test_Agree_MalformedTensorsAreLikeNoOther() public pure {
        DeterminismProfile profile = tolerance(OutputCodec.Tensor, 1e18, 0);
        (bytes memory a, bytes memory b) = (tensorOfOne(1, hex"0000803f"), tensorOfOne(1, hex"0100803f"));
        assertTrue(OutputComparison.agree(profile, a, b));
        assertFalse(OutputComparison.agree(profile, bytes.concat(a, hex"00"), bytes.concat(b, hex"00")));
        (a, b) = (tensorOfOne(1 << 32, hex"0000803f"), tensorOfOne(1 << 32, hex"0100803f"));
        assertFalse(OutputComparison.agree(profile, a, b));
    }

    function tensorOfOne(uint256 dimension, bytes4 number) private pure returns (bytes memory) {
        uint256[7] memory words = [1, 96, 160, 1, dimension, 4, uint256(bytes32(number))];
        return abi.encode(words);
    }

    /// @dev Whatever the bytes: an answer, and nothing but float64 is refused.
    function testFuzz_Agree_NeverPanics(bytes memory a, bytes memory b, uint8 codec, uint8 head) public view {
        OutputCodec which = OutputCodec(codec % 6 + 1);
        // Half of them begin like tensors of floats.
        if (head % 2 == 0) {
            uint8[4] memory floats = [1, 10, 11, 16];
            bytes memory start = abi.encode(uint256(floats[head / 2 % 4]), uint256(96), uint256(128));
            (a, b) = (bytes.concat(start, a), bytes.concat(start, b));
        }
        DeterminismProfile profile = tolerance(which, 1e18, 1e17);
        try this.agree(profile, a, b) {}
        catch (bytes memory reason) {
            assertEq(bytes4(reason), OutputComparison.Float64NotComparable.selector);
            assertFalse(OutputComparison.isComparable(profile, a));
        }
    }

    function agree(DeterminismProfile profile, bytes memory a, bytes memory b) external pure returns (bool) {
        return OutputComparison.agree(profile, a, b);
    }

    function tolerance(OutputCodec codec, uint120 abs, uint120 rel) private pure returns (DeterminismProfile) {
        return DeterminismProfileLib.pack(ProfileKind.Tolerance, codec, abs, rel);
    }

    function magnitude(int256 value) private pure returns (uint256) {
        return value < 0 ? uint256(-value) : uint256(value);
    }

    function max(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a : b;
    }
}
