// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice The numbers of a tensor in memory: where its bytes have them, and their IEEE 754 format.
/// @param start Offset of the first one's bytes.
/// @param count How many there are.
/// @param width Bytes of each.
/// @param fractionBits Bits of the fraction; the exponent's are above, and the sign.
/// @param exponentMask The highest exponent, which is that of NaN and infinities.
struct Numbers {
    uint256 start;
    uint256 count;
    uint256 width;
    uint256 fractionBits;
    uint256 exponentMask;
}

/// @title Numbers in tensors of floats
/// @notice Reads `abi.encode(uint8 dtype, uint32[] shape, bytes data)` where it lies: no copy, no revert.
/// @dev Layout of the bytes: dtype, 96, the data's offset, rank, the dimensions, the data's size, the data, zeros up to a
/// full word. Elements are little-endian. Element types by the numbers of ONNX `TensorProto.DataType`.
library FloatTensors {
    uint256 private constant FLOAT32 = 1;
    uint256 private constant FLOAT16 = 10;
    uint256 private constant FLOAT64 = 11;
    uint256 private constant BFLOAT16 = 16;

    uint256 private constant WAD = 1e18;

    /// @notice Whether an output says that it is a tensor of float64, readable or not.
    function isFloat64(bytes memory output) internal pure returns (bool) {
        return output.length >= 32 && _wordAt(output, 0) == FLOAT64;
    }

    /// @notice Whether two outputs are of one length, element type and shape, and of floats.
    function areAlike(bytes memory a, bytes memory b) internal pure returns (bool) {
        if (a.length != b.length || !_isLaidOut(a) || !_isLaidOut(b)) return false;
        uint256 head = _dataOffset(a) + 32;
        bytes32 headOfA;
        bytes32 headOfB;
        assembly ("memory-safe") {
            headOfA := keccak256(add(a, 32), head)
            headOfB := keccak256(add(b, 32), head)
        }
        return headOfA == headOfB;
    }

    /// @notice Where the numbers of a laid out tensor are, and how they are written. Not for float64.
    function numbersOf(bytes memory output) internal pure returns (Numbers memory numbers) {
        uint256 dtype = _wordAt(output, 0);
        uint256 dataOffset = _dataOffset(output);
        numbers.width = _widthOf(dtype);
        numbers.start = dataOffset + 32;
        numbers.count = _wordAt(output, dataOffset) / numbers.width;
        // IEEE 754; bfloat16 is the upper half of float32.
        uint256 exponentBits = dtype == FLOAT16 ? 5 : 8;
        numbers.fractionBits = 8 * numbers.width - 1 - exponentBits;
        numbers.exponentMask = (1 << exponentBits) - 1;
    }

    /// @notice The bits of one number. The caller makes sure that there is one.
    function bitsAt(bytes memory output, Numbers memory numbers, uint256 index) internal pure returns (uint256 bits) {
        // Unchecked: offsets of bytes in memory. Two or four bytes, the first one lowest.
        unchecked {
            uint256 word = _wordAt(output, numbers.start + numbers.width * index) >> 224;
            if (numbers.width == 2) word >>= 16;
            bits = (word & 0x00ff00ff) << 8 | (word & 0xff00ff00) >> 8;
            return numbers.width == 2 ? bits : (bits & 0xffff) << 16 | bits >> 16;
        }
    }

    /// @notice Whether bits are a number, and no NaN or infinity.
    function isFinite(Numbers memory numbers, uint256 bits) internal pure returns (bool) {
        return bits >> numbers.fractionBits & numbers.exponentMask != numbers.exponentMask;
    }

    /// @notice A finite number as WAD, to the nearest integer, ties to even. Its magnitude is below 2^192.
    function toWad(Numbers memory numbers, uint256 bits) internal pure returns (int256) {
        // Unchecked: 24 bits of mantissa times 60 bits of WAD, shifted left by 104 at most or right by 149 at most.
        unchecked {
            uint256 fractionBits = numbers.fractionBits;
            uint256 biased = bits >> fractionBits & numbers.exponentMask;
            uint256 mantissa = bits & (1 << fractionBits) - 1;
            if (biased == 0) biased = 1;
            else mantissa |= 1 << fractionBits;
            // What the exponent of a whole mantissa is written as: 150 for float32.
            uint256 bias = (numbers.exponentMask >> 1) + fractionBits;
            uint256 wad = mantissa * WAD;
            if (biased >= bias) wad <<= biased - bias;
            else wad = _shiftRightTiesToEven(wad, bias - biased);
            bool negative = bits > (numbers.exponentMask << fractionBits | (1 << fractionBits) - 1);
            return negative ? -int256(wad) : int256(wad);
        }
    }

    function _shiftRightTiesToEven(uint256 value, uint256 by) private pure returns (uint256 quotient) {
        quotient = value >> by;
        uint256 remainder = value & (1 << by) - 1;
        uint256 half = 1 << by - 1;
        if (remainder > half || (remainder == half && quotient & 1 == 1)) ++quotient;
    }

    /// @dev The canonical encoding of a tensor of floats whose data fits its shape.
    function _isLaidOut(bytes memory output) private pure returns (bool) {
        uint256 length = output.length;
        if (length < 160 || length % 32 != 0) return false;
        uint256 width = _widthOf(_wordAt(output, 0));
        uint256 rank = _wordAt(output, 96);
        if (width == 0 || _wordAt(output, 32) != 96 || rank > (length - 160) / 32) return false;
        uint256 dataOffset = 128 + 32 * rank;
        uint256 size = _wordAt(output, dataOffset);
        uint256 room = length - dataOffset - 32;
        if (_dataOffset(output) != dataOffset || size > room || room - size > 31) return false;
        // What follows the data in its last word is zero.
        if (room != size && _wordAt(output, length - 32) << 8 * (32 - (room - size)) != 0) return false;
        return _fitsShape(output, rank, size, width);
    }

    /// @dev Whether the product of the dimensions is the number of elements. A product that has outgrown the data can come
    /// back only through a dimension of zero.
    function _fitsShape(bytes memory output, uint256 rank, uint256 size, uint256 width) private pure returns (bool) {
        uint256 product = 1;
        for (uint256 i = 0; i < rank; ++i) {
            uint256 dimension = _wordAt(output, 128 + 32 * i);
            if (dimension > type(uint32).max) return false;
            product *= dimension;
            if (product > size + 1) product = size + 1;
        }
        return product * width == size;
    }

    function _dataOffset(bytes memory output) private pure returns (uint256) {
        return _wordAt(output, 64);
    }

    /// @dev Bytes of an element; 0 for what is no float.
    function _widthOf(uint256 dtype) private pure returns (uint256) {
        if (dtype == FLOAT32) return 4;
        if (dtype == FLOAT16 || dtype == BFLOAT16) return 2;
        return dtype == FLOAT64 ? 8 : 0;
    }

    /// @dev The caller makes sure that the word lies inside `output`.
    function _wordAt(bytes memory output, uint256 offset) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(add(output, 32), offset))
        }
    }
}
