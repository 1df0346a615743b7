// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice The `text` input and output: `abi.encode(string)`, UTF-8
library TextCodec {
    error MalformedText(uint256 length);

    function encode(string memory text) internal pure returns (bytes memory) {
        return abi.encode(text);
    }

    function decode(bytes memory output) internal pure returns (string memory text) {
        uint256 length = output.length;
        if (length < 64 || length % 32 != 0) revert MalformedText(length);
        (uint256 offset, uint256 size) = abi.decode(output, (uint256, uint256));
        // The text fills the words after the head but for less than one word.
        uint256 room = length - 64;
        if (offset != 32 || size > room || room - size > 31) revert MalformedText(length);
        return abi.decode(output, (string));
    }
}
