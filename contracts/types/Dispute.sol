// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Proposal} from "./Proposal.sol";

/// @notice A challenge of one proposal, as it was made.
/// @param proposal What is disputed.
/// @param challenger Who put up the bond.
/// @param challengedBlock The block of the challenge; its hash draws the jury.
/// @param challengedAt Unix seconds. The jury's rounds and the verdict time count from here.
struct Dispute {
    Proposal proposal;
    address challenger;
    uint48 challengedBlock;
    uint40 challengedAt;
}

using DisputeLib for Dispute global;

/// @notice Hashes disputes to their ids.
/// @dev `sdk` computes the same id; `test/vectors/dispute.json` holds both to it.
library DisputeLib {
    /// @dev Keeps a dispute's id from being mistaken for a request's: jurors sign the one where operators sign the other.
    bytes32 private constant DISPUTE_DOMAIN = keccak256("Sibyl dispute");

    /// @notice What jurors sign in place of a request's id: `keccak256(abi.encode("Sibyl dispute" hashed, arbiter, requestId,
    /// dispute))`. The oracle and the chain are in the domain of the signature.
    function id(Dispute memory dispute, address arbiter, bytes32 requestId) internal pure returns (bytes32) {
        return keccak256(abi.encode(DISPUTE_DOMAIN, arbiter, requestId, dispute));
    }
}
