// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice What a model earned in one token beside its operators' pay; one word, because every settlement adds to both.
/// @dev The publisher's royalty is the high half, the protocol's share the low one.
type ModelShares is uint256;

using ModelSharesLib for ModelShares global;

/// @notice Packs, reads and adds up a model's shares.
library ModelSharesLib {
    /// @notice Adds to both shares.
    /// @param royalty_ Part of a 96-bit fee, as `protocol_` is: 2^32 of the highest fit into each half.
    function plus(ModelShares shares, uint256 royalty_, uint256 protocol_) internal pure returns (ModelShares) {
        // Unchecked: see the parameters.
        unchecked {
            return ModelShares.wrap(ModelShares.unwrap(shares) + (royalty_ << 128 | protocol_));
        }
    }

    function royalty(ModelShares shares) internal pure returns (uint128) {
        return uint128(ModelShares.unwrap(shares) >> 128);
    }

    function protocol(ModelShares shares) internal pure returns (uint128) {
        return uint128(ModelShares.unwrap(shares));
    }

    function withoutRoyalty(ModelShares shares) internal pure returns (ModelShares) {
        return ModelShares.wrap(shares.protocol());
    }

    function withoutProtocol(ModelShares shares) internal pure returns (ModelShares) {
        return ModelShares.wrap(ModelShares.unwrap(shares) >> 128 << 128);
    }
}
