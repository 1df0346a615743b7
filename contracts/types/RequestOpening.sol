// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice When a request opened, and the protocol parameters of that moment: later changes never reach it.
/// @dev From the most significant bit: totalWeight (64), openedBlock (48), openedAt (40, unix seconds),
/// challengeWindow (24, seconds), arbiterIndex (8, 0 is none), roundSeconds (16), overdrawBps (16, 10000 is once the committee size),
/// royaltyBps (16), protocolBps (16), tokenIndex (8, 0 is the chain's native coin).
type RequestOpening is uint256;

using RequestOpeningLib for RequestOpening global;

/// @notice Packs and reads what a request took down when it opened.
library RequestOpeningLib {
    function pack(
        uint64 totalWeight_,
        uint16 roundSeconds_,
        uint16 overdrawBps_,
        uint16 royaltyBps_,
        uint16 protocolBps_,
        uint8 tokenIndex_
    ) internal view returns (RequestOpening) {
        uint256 word = totalWeight_;
        word = word << 48 | uint48(block.number);
        word = word << 40 | uint40(block.timestamp);
        // Room for the challenge: see `withChallenge`.
        word = word << 48 | roundSeconds_;
        word = word << 16 | overdrawBps_;
        word = word << 16 | royaltyBps_;
        word = word << 16 | protocolBps_;
        word = word << 8 | tokenIndex_;
        return RequestOpening.wrap(word);
    }

    /// @dev The same opening with a challenge window; it had none.
    function withChallenge(RequestOpening opening, uint24 challengeWindow_, uint8 arbiterIndex_)
        internal
        pure
        returns (RequestOpening)
    {
        uint256 challenge = uint256(challengeWindow_) << 8 | arbiterIndex_;
        return RequestOpening.wrap(RequestOpening.unwrap(opening) | challenge << 72);
    }

    function totalWeight(RequestOpening opening) internal pure returns (uint64) {
        return uint64(RequestOpening.unwrap(opening) >> 192);
    }

    function openedBlock(RequestOpening opening) internal pure returns (uint48) {
        return uint48(RequestOpening.unwrap(opening) >> 144);
    }

    function openedAt(RequestOpening opening) internal pure returns (uint40) {
        return uint40(RequestOpening.unwrap(opening) >> 104);
    }

    function challengeWindow(RequestOpening opening) internal pure returns (uint24) {
        return uint24(RequestOpening.unwrap(opening) >> 80);
    }

    function arbiterIndex(RequestOpening opening) internal pure returns (uint8) {
        return uint8(RequestOpening.unwrap(opening) >> 72);
    }

    function roundSeconds(RequestOpening opening) internal pure returns (uint16) {
        return uint16(RequestOpening.unwrap(opening) >> 56);
    }

    function overdrawBps(RequestOpening opening) internal pure returns (uint16) {
        return uint16(RequestOpening.unwrap(opening) >> 40);
    }

    function royaltyBps(RequestOpening opening) internal pure returns (uint16) {
        return uint16(RequestOpening.unwrap(opening) >> 24);
    }

    function protocolBps(RequestOpening opening) internal pure returns (uint16) {
        return uint16(RequestOpening.unwrap(opening) >> 8);
    }

    function tokenIndex(RequestOpening opening) internal pure returns (uint8) {
        return uint8(RequestOpening.unwrap(opening));
    }
}
