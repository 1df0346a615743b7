// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice Who asks, until when, and how many operators must agree.
/// @dev From the most significant bit: consumer (160), deadline (40, unix seconds), callbackGasLimit (32),
/// committeeSize (8), quorum (8), salt (8, tells apart identical requests of one block).
type RequestTerms is uint256;

using RequestTermsLib for RequestTerms global;

/// @notice Packs and reads a request's terms.
library RequestTermsLib {
    function pack(
        address consumer_,
        uint40 deadline_,
        uint32 callbackGasLimit_,
        uint8 committeeSize_,
        uint8 quorum_,
        uint8 salt_
    ) internal pure returns (RequestTerms) {
        uint256 word = uint160(consumer_);
        word = word << 40 | deadline_;
        word = word << 32 | callbackGasLimit_;
        word = word << 8 | committeeSize_;
        word = word << 8 | quorum_;
        word = word << 8 | salt_;
        return RequestTerms.wrap(word);
    }

    function consumer(RequestTerms terms) internal pure returns (address) {
        return address(uint160(RequestTerms.unwrap(terms) >> 96));
    }

    function deadline(RequestTerms terms) internal pure returns (uint40) {
        return uint40(RequestTerms.unwrap(terms) >> 56);
    }

    function callbackGasLimit(RequestTerms terms) internal pure returns (uint32) {
        return uint32(RequestTerms.unwrap(terms) >> 24);
    }

    function committeeSize(RequestTerms terms) internal pure returns (uint8) {
        return uint8(RequestTerms.unwrap(terms) >> 16);
    }

    function quorum(RequestTerms terms) internal pure returns (uint8) {
        return uint8(RequestTerms.unwrap(terms) >> 8);
    }

    function salt(RequestTerms terms) internal pure returns (uint8) {
        return uint8(RequestTerms.unwrap(terms));
    }

    /// @dev The same terms with the next salt. The caller makes sure that the salt is below 255.
    function withNextSalt(RequestTerms terms) internal pure returns (RequestTerms) {
        return RequestTerms.wrap(RequestTerms.unwrap(terms) + 1);
    }
}
