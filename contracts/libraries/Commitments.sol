// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {EfficientHashLib} from "solady/utils/EfficientHashLib.sol";

/// @notice What operators sign before anybody shows an output
/// @dev Signed in the oracle's domain, as attestations are. `sdk` computes the same hashes; `test/vectors/commit.json`
/// holds both to it.
library Commitments {
    bytes32 internal constant TYPEHASH = keccak256("Commit(bytes32 requestHash,bytes32 commitment)");

    /// @notice EIP-712 struct hash of a signed commitment.
    function structHash(bytes32 requestHash, bytes32 commitment) internal pure returns (bytes32) {
        return EfficientHashLib.hash(TYPEHASH, requestHash, commitment);
    }

    /// @notice The commitment to an output: `keccak256(abi.encode(requestHash, operatorId, outputHash, salt))`.
    /// @dev The operator's id is inside, so a commitment cannot be copied under another name.
    function seal(bytes32 requestHash, uint32 operatorId, bytes32 outputHash, bytes32 salt)
        internal
        pure
        returns (bytes32)
    {
        return EfficientHashLib.hash(requestHash, bytes32(uint256(operatorId)), outputHash, salt);
    }
}
