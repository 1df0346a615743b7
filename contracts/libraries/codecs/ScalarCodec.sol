// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice The `scalar` output: `abi.encode(int256)`, 18 decimals
library ScalarCodec {
    error MalformedScalar(uint256 length);

    function encode(int256 valueWad) internal pure returns (bytes memory) {
        return abi.encode(valueWad);
    }

    function decode(bytes memory output) internal pure returns (int256 valueWad) {
        if (output.length != 32) revert MalformedScalar(output.length);
        return abi.decode(output, (int256));
    }
}
