// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice The `classification` output: `abi.encode(uint32 label, uint256 confidenceWad)`
library ClassificationCodec {
    error MalformedClassification(uint256 length);

    /// @notice Encodes an output as operators do; for tests.
    /// @param label Index into the manifest's labels.
    /// @param confidenceWad Confidence with 18 decimals, 1e18 is certain.
    function encode(uint32 label, uint256 confidenceWad) internal pure returns (bytes memory) {
        return abi.encode(label, confidenceWad);
    }

    function decode(bytes memory output) internal pure returns (uint32 label, uint256 confidenceWad) {
        if (output.length != 64) revert MalformedClassification(output.length);
        uint256 wideLabel;
        (wideLabel, confidenceWad) = abi.decode(output, (uint256, uint256));
        if (wideLabel > type(uint32).max) revert MalformedClassification(output.length);
        label = uint32(wideLabel);
    }
}
