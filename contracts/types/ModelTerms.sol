// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice What running a model costs; one slot, because every request reads it.
/// @dev From the most significant bit: pricePerExecution (96, token units), pricePerKiB (96, token units per started
/// KiB of input), royaltyBps (16), tokenIndex (8), status (8, see `ModelStatus`). The lowest 32 bits are unused.
type ModelTerms is uint256;

/// @notice `Unknown` was never published; `Retired` takes no new requests.
enum ModelStatus {
    Unknown,
    Active,
    Retired
}

using ModelTermsLib for ModelTerms global;

/// @notice Packs and reads a model's terms.
library ModelTermsLib {
    function pack(
        uint96 pricePerExecution_,
        uint96 pricePerKiB_,
        uint16 royaltyBps_,
        uint8 tokenIndex_,
        ModelStatus status_
    ) internal pure returns (ModelTerms) {
        return ModelTerms.wrap(
            uint256(pricePerExecution_) << 160 | uint256(pricePerKiB_) << 64 | uint256(royaltyBps_) << 48
                | uint256(tokenIndex_) << 40 | uint256(status_) << 32
        );
    }

    function pricePerExecution(ModelTerms terms) internal pure returns (uint96) {
        return uint96(ModelTerms.unwrap(terms) >> 160);
    }

    function pricePerKiB(ModelTerms terms) internal pure returns (uint96) {
        return uint96(ModelTerms.unwrap(terms) >> 64);
    }

    function royaltyBps(ModelTerms terms) internal pure returns (uint16) {
        return uint16(ModelTerms.unwrap(terms) >> 48);
    }

    function tokenIndex(ModelTerms terms) internal pure returns (uint8) {
        return uint8(ModelTerms.unwrap(terms) >> 40);
    }

    function status(ModelTerms terms) internal pure returns (ModelStatus) {
        return ModelStatus(uint8(ModelTerms.unwrap(terms) >> 32));
    }
}
