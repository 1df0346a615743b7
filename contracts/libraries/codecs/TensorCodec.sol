// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice The `tensor` input and output: `abi.encode(uint8 dtype, uint32[] shape, bytes data)`
library TensorCodec {
    error MalformedTensor(uint256 length);

    /// @notice Encodes a tensor as models get and give it.
    /// @param dtype Element type, by the numbers of ONNX `TensorProto.DataType`.
    /// @param shape Dimensions, outermost first.
    /// @param data The elements, row-major, little-endian.
    function encode(uint8 dtype, uint32[] memory shape, bytes memory data) internal pure returns (bytes memory) {
        return abi.encode(dtype, shape, data);
    }

    function decode(bytes memory output) internal pure returns (uint8 dtype, uint32[] memory shape, bytes memory data) {
        uint256 length = output.length;
        if (length < 160 || length % 32 != 0) revert MalformedTensor(length);
        (uint256 wideDtype, uint256 shapeOffset, uint256 dataOffset, uint256 rank) =
            abi.decode(output, (uint256, uint256, uint256, uint256));
        if (
            wideDtype > type(uint8).max || shapeOffset != 96 || rank > (length - 160) / 32
                || dataOffset != 128 + 32 * rank
        ) revert MalformedTensor(length);
        for (uint256 i = 0; i < rank; ++i) {
            if (_wordAt(output, 128 + 32 * i) > type(uint32).max) revert MalformedTensor(length);
        }
        uint256 size = _wordAt(output, dataOffset);
        // The data fills the words after its length but for less than one word.
        uint256 room = length - dataOffset - 32;
        if (size > room || room - size > 31) revert MalformedTensor(length);
        return abi.decode(output, (uint8, uint32[], bytes));
    }

    /// @dev The caller makes sure that the word lies inside `output`.
    function _wordAt(bytes memory output, uint256 offset) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(add(output, 32), offset))
        }
    }
}
