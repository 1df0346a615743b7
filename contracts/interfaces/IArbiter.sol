// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Policy} from "../types/Policy.sol";

/// @notice Decides about challenged outputs: the seam between the oracle and whatever proof of a wrong answer there is
/// @dev A request keeps the arbiter that was current when it opened. Only that one may `suspend` its proposal, and
/// then `rule` on it or `annul` it, all in `IProposals`. How a challenge is made and proven is the arbiter's own.
interface IArbiter {
    /// @notice How many seats a model must have for this arbiter to be able to decide about a request with this policy.
    /// Reverts, naming the limit, for a policy that it never can decide about.
    function seatsNeeded(Policy calldata policy) external view returns (uint256);
}
