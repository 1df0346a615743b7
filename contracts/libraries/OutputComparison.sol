// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {DeterminismProfile, OutputCodec} from "../types/DeterminismProfile.sol";
import {FloatTensors, Numbers} from "./FloatTensors.sol";

/// @title Whether two outputs are the same answer
/// @notice What `agree` of the SDK decides, for judges on chain: `exact` profiles compare bytes, `tolerance` profiles take
/// the same label, shape and element type, and for each pair of numbers `|a - b| <= max(abs, rel * max(|a|, |b|))`.
/// @dev Pure and symmetric. An output that does not decode agrees with nothing but its equal, and never reverts.
/// `test/vectors/comparison.json` holds the SDK and this library to the same decisions. Costs about 800 gas for each
/// number of a vector and 2,100 for each of a tensor (release profile).
library OutputComparison {
    uint256 private constant WAD = 1e18;
    uint256 private constant WORD = 32;

    /// @notice Float64 tensors within a tolerance have no comparison on chain: their numbers go up to 2^1024.
    error Float64NotComparable();

    /// @notice Whether a judge can compare an output with others under a profile.
    function isComparable(DeterminismProfile profile, bytes memory output) internal pure returns (bool) {
        return profile.isExact() || profile.codec() != OutputCodec.Tensor || !FloatTensors.isFloat64(output);
    }

    /// @notice Whether `a` and `b` are the same answer. Reverts with `Float64NotComparable` for two of those.
    function agree(DeterminismProfile profile, bytes memory a, bytes memory b) internal pure returns (bool) {
        if (keccak256(a) == keccak256(b)) return true;
        if (profile.isExact()) return false;

        OutputCodec codec = profile.codec();
        if (codec == OutputCodec.Tensor) return _agreeAsTensors(profile, a, b);
        if (codec == OutputCodec.Text) return false;
        // Outputs of these codecs are words, and of two that agree only numbers may differ: so do not their lengths.
        if (a.length != b.length || !_isReadable(codec, a) || !_isReadable(codec, b)) return false;
        return _agreeWordByWord(profile, codec, a, b);
    }

    /// @notice Whether two numbers are within the profile's tolerances.
    /// @param distance `|a - b|`, in WAD as the other numbers.
    /// @param scale `max(|a|, |b|)`.
    function isNear(DeterminismProfile profile, uint256 distance, uint256 scale) internal pure returns (bool) {
        if (distance <= profile.abs()) return true;
        // `distance * WAD <= rel * scale` in 512 bits, so nothing is rounded and nothing overflows.
        (uint256 leftHigh, uint256 leftLow) = Math.mul512(distance, WAD);
        (uint256 rightHigh, uint256 rightLow) = Math.mul512(profile.rel(), scale);
        return leftHigh < rightHigh || (leftHigh == rightHigh && leftLow <= rightLow);
    }

    function _agreeWordByWord(DeterminismProfile profile, OutputCodec codec, bytes memory a, bytes memory b)
        private
        pure
        returns (bool)
    {
        bool signed = codec == OutputCodec.Scalar || codec == OutputCodec.Vector;
        for (uint256 offset = 0; offset < a.length; offset += WORD) {
            (uint256 x, uint256 y) = (_wordAt(a, offset), _wordAt(b, offset));
            if (x == y) continue;
            if (!_isNumber(codec, offset)) return false;
            (uint256 distance, uint256 scale) = signed ? _signedDistance(x, y) : _unsignedDistance(x, y);
            if (!isNear(profile, distance, scale)) return false;
        }
        return true;
    }

    function _agreeAsTensors(DeterminismProfile profile, bytes memory a, bytes memory b) private pure returns (bool) {
        // Another element type or shape, or no tensor of floats: whatever differs has no distance.
        if (!FloatTensors.areAlike(a, b)) return false;
        if (FloatTensors.isFloat64(a)) revert Float64NotComparable();
        Numbers memory numbers = FloatTensors.numbersOf(a);
        for (uint256 i = 0; i < numbers.count; ++i) {
            uint256 bitsX = FloatTensors.bitsAt(a, numbers, i);
            uint256 bitsY = FloatTensors.bitsAt(b, numbers, i);
            if (!FloatTensors.isFinite(numbers, bitsX) || !FloatTensors.isFinite(numbers, bitsY)) return false;
            if (bitsX == bitsY) continue;
            int256 x = FloatTensors.toWad(numbers, bitsX);
            int256 y = FloatTensors.toWad(numbers, bitsY);
            (uint256 distance, uint256 scale) = _signedDistance(uint256(x), uint256(y));
            if (!isNear(profile, distance, scale)) return false;
        }
        return true;
    }

    /// @dev As the SDK's decoders: the canonical encoding only, a confidence up to one, a score for the label.
    function _isReadable(OutputCodec codec, bytes memory output) private pure returns (bool) {
        uint256 length = output.length;
        if (codec == OutputCodec.Scalar) return length == WORD;
        if (codec == OutputCodec.Vector) {
            return length >= 2 * WORD && length % WORD == 0 && _wordAt(output, 0) == WORD
                && _wordAt(output, WORD) == length / WORD - 2;
        }
        if (length < 2 * WORD || _wordAt(output, 0) > type(uint32).max || _wordAt(output, WORD) > WAD) return false;
        if (codec == OutputCodec.Classification) return length == 2 * WORD;
        if (length < 4 * WORD || length % WORD != 0 || _wordAt(output, 2 * WORD) != 3 * WORD) return false;
        uint256 scores = length / WORD - 4;
        return _wordAt(output, 3 * WORD) == scores && _wordAt(output, 0) < scores;
    }

    /// @dev Whether the word at this byte of a readable output is a number and not a label, an offset or a length.
    function _isNumber(OutputCodec codec, uint256 offset) private pure returns (bool) {
        if (codec == OutputCodec.Scalar) return true;
        if (codec == OutputCodec.Vector) return offset >= 2 * WORD;
        return offset == WORD || offset >= 4 * WORD;
    }

    function _unsignedDistance(uint256 x, uint256 y) private pure returns (uint256 distance, uint256 scale) {
        return x > y ? (x - y, x) : (y - x, y);
    }

    /// @dev Unchecked: in two's complement the higher less the lower is their distance, which is below 2^256, and the
    /// magnitude of the lowest int256 is 2^255.
    function _signedDistance(uint256 x, uint256 y) private pure returns (uint256 distance, uint256 scale) {
        unchecked {
            distance = int256(x) > int256(y) ? x - y : y - x;
            uint256 magnitudeX = int256(x) < 0 ? 0 - x : x;
            uint256 magnitudeY = int256(y) < 0 ? 0 - y : y;
            scale = magnitudeX > magnitudeY ? magnitudeX : magnitudeY;
        }
    }

    /// @dev The caller makes sure that the word lies inside `output`.
    function _wordAt(bytes memory output, uint256 offset) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(add(output, 32), offset))
        }
    }
}
