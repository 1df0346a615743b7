// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice The `vector` input and output: `abi.encode(int256[])`, 18 decimals each
library VectorCodec {
    error MalformedVector(uint256 length);

    function encode(int256[] memory valuesWad) internal pure returns (bytes memory) {
        return abi.encode(valuesWad);
    }

    function decode(bytes memory output) internal pure returns (int256[] memory valuesWad) {
        uint256 length = output.length;
        if (length < 64) revert MalformedVector(length);
        (uint256 offset, uint256 count) = abi.decode(output, (uint256, uint256));
        if (offset != 32 || count != (length - 64) / 32 || length % 32 != 0) revert MalformedVector(length);
        return abi.decode(output, (int256[]));
    }
}
