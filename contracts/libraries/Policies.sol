// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Policy} from "../types/Policy.sol";

/// @notice Policies with a name
library Policies {
    /// @notice One operator answers and is believed. Cheapest: for answers that nobody gains from falsifying.
    function singleSigner() internal pure returns (Policy memory) {
        return Policy({committeeSize: 1, quorum: 1, challengeWindow: 0});
    }

    /// @notice Three operators answer and all of them must agree.
    function threeUnanimous() internal pure returns (Policy memory) {
        return Policy({committeeSize: 3, quorum: 3, challengeWindow: 0});
    }

    /// @notice Seven operators answer and five of them must agree: two may be wrong or away.
    function fiveOfSeven() internal pure returns (Policy memory) {
        return Policy({committeeSize: 7, quorum: 5, challengeWindow: 0});
    }
}
