// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {EfficientHashLib} from "solady/utils/EfficientHashLib.sol";

import {Request} from "../types/Request.sol";

/// @notice One round of a request's draw.
/// @param seed What tickets are made from.
/// @param round How often the draw has doubled.
/// @param demandBps Expected number of drawn operators, in basis points.
/// @param totalWeight Weight of all seats as the request opened.
struct Draw {
    bytes32 seed;
    uint256 round;
    uint256 demandBps;
    uint256 totalWeight;
}

/// @title Which operators are drawn for a request
/// @notice Each operator holds one ticket per request, a number that nobody could know while the request executed. It is
/// drawn when the ticket, as a fraction of the highest, is below
/// `committeeSize * overdraw * 2^round * weight / totalWeight`. The lowest tickets are the primaries.
/// @dev Pure; `sdk` computes the same, and `test/vectors/sortition.json` holds both to it.
library Sortition {
    uint256 private constant BPS = 10_000;

    /// @dev Four billion times the first draw: by then every seat with a weight worth naming is drawn, and the arithmetic
    /// still stays within 256 bits.
    uint256 private constant MAX_DOUBLINGS = 32;

    /// @notice What a request's tickets are made from: `keccak256(abi.encode(requestId, blockHash))`.
    /// @param blockHash Hash of the block that the request opened in.
    function seed(bytes32 requestId, bytes32 blockHash) internal pure returns (bytes32) {
        return EfficientHashLib.hash(requestId, blockHash);
    }

    /// @notice The low half of `keccak256(abi.encode(seed, operatorId))`.
    function ticket(bytes32 seed_, uint32 operatorId) internal pure returns (uint128) {
        return uint128(uint256(EfficientHashLib.hash(seed_, bytes32(uint256(operatorId)))));
    }

    /// @notice Expected number of drawn operators in `round`, in basis points.
    function demandBps(uint8 committeeSize, uint16 overdrawBps, uint256 round) internal pure returns (uint256) {
        uint256 doublings = round < MAX_DOUBLINGS ? round : MAX_DOUBLINGS;
        // Unchecked: 8 + 16 + 32 bits.
        unchecked {
            return (uint256(committeeSize) * overdrawBps) << doublings;
        }
    }

    /// @notice The draw of an open request at `timestamp`.
    /// @param blockHash Hash of the block that the request opened in.
    function drawOf(Request calldata request, bytes32 requestId, bytes32 blockHash, uint256 timestamp)
        internal
        pure
        returns (Draw memory draw)
    {
        draw.seed = seed(requestId, blockHash);
        // Unchecked: nothing is drawn before it opened, and a round has at least one second.
        unchecked {
            draw.round = (timestamp - request.opening.openedAt()) / request.opening.roundSeconds();
        }
        draw.demandBps = demandBps(request.terms.committeeSize(), request.opening.overdrawBps(), draw.round);
        draw.totalWeight = request.opening.totalWeight();
    }

    /// @notice Whether an operator of this weight is drawn.
    function includes(Draw memory draw, uint32 operatorId, uint56 weight) internal pure returns (bool) {
        return isDrawn(ticket(draw.seed, operatorId), weight, draw.totalWeight, draw.demandBps);
    }

    /// @notice Whether a ticket is drawn: `ticket / 2^128 < demandBps * weight / (totalWeight * 10000)`.
    /// @param totalWeight At most 64 bits.
    /// @param demandBps_ At most 56 bits.
    function isDrawn(uint128 ticket_, uint56 weight, uint256 totalWeight, uint256 demandBps_)
        internal
        pure
        returns (bool)
    {
        // Unchecked: the left side has at most 128 + 64 + 14 bits, the right side 56 + 56 + 128. Where the right side is
        // `totalWeight * 10000 << 128` or more, every ticket is drawn.
        unchecked {
            return uint256(ticket_) * totalWeight * BPS < (demandBps_ * weight) << 128;
        }
    }
}
