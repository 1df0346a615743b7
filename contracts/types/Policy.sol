// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice How much assurance a request buys.
/// @param committeeSize Operators that are asked to start at once.
/// @param quorum Agreeing attestations that settle the request, 1 to 8 and at most `committeeSize`.
/// @param challengeWindow Seconds in which a proposed output may be challenged; 0 settles at once.
struct Policy {
    uint8 committeeSize;
    uint8 quorum;
    uint32 challengeWindow;
}
