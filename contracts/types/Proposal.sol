// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice An output that a quorum signed and that may still be challenged, as it was proposed.
/// @dev The oracle stores no field of it, only a hash in the request's one word; whoever finalizes or challenges it
/// hands it in again, as `OutputProposed` logged it.
/// @param outputHash `keccak256(output)`.
/// @param signers Who signed it, as in `RequestSettled`: eight operator ids of 32 bits, the first one highest.
/// @param submitterId The signer that submitted it; 0 if a stranger did.
/// @param proposedAt Unix seconds. The challenge window counts from here, its last second included.
/// @param gasOwed Wei that the submitter gets from the gas reserve once the proposal stands.
struct Proposal {
    bytes32 outputHash;
    uint256 signers;
    uint32 submitterId;
    uint40 proposedAt;
    uint96 gasOwed;
}

using ProposalLib for Proposal global;

/// @notice Hashes proposals.
/// @dev `sdk` computes the same hash; `test/vectors/proposal.json` holds both to it.
library ProposalLib {
    /// @notice `keccak256(abi.encode(proposal))`.
    /// @dev A struct of five words lies in memory as its encoding does, so it is hashed where it is.
    function hash(Proposal memory proposal) internal pure returns (bytes32 hash_) {
        assembly ("memory-safe") {
            hash_ := keccak256(proposal, 0xa0)
        }
    }

    /// @notice `hash` of a proposal that is still calldata. Bits beyond a field's width only make it another hash.
    function hashOf(Proposal calldata proposal) internal pure returns (bytes32 hash_) {
        assembly ("memory-safe") {
            let words := mload(0x40)
            calldatacopy(words, proposal, 0xa0)
            hash_ := keccak256(words, 0xa0)
        }
    }
}
