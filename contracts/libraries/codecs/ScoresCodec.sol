// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice The `scores` output: `abi.encode(uint32 label, uint256 confidenceWad, uint256[] scoresWad)`
library ScoresCodec {
    error MalformedScores(uint256 length);

    /// @notice Encodes an output as operators do; for tests.
    /// @param label Index of the best score, and into the manifest's labels.
    /// @param confidenceWad The best score, 18 decimals.
    /// @param scoresWad One score per label, 18 decimals.
    function encode(uint32 label, uint256 confidenceWad, uint256[] memory scoresWad)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encode(label, confidenceWad, scoresWad);
    }

    function decode(bytes memory output)
        internal
        pure
        returns (uint32 label, uint256 confidenceWad, uint256[] memory scoresWad)
    {
        uint256 length = output.length;
        if (length < 128) revert MalformedScores(length);
        (uint256 wideLabel, uint256 confidence, uint256 offset, uint256 count) =
            abi.decode(output, (uint256, uint256, uint256, uint256));
        if (wideLabel > type(uint32).max || offset != 96 || count != (length - 128) / 32 || length % 32 != 0) {
            revert MalformedScores(length);
        }
        (,, scoresWad) = abi.decode(output, (uint256, uint256, uint256[]));
        return (uint32(wideLabel), confidence, scoresWad);
    }
}
