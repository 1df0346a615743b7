// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice Where a demand for an opening stands.
enum DemandStatus {
    None,
    Pending,
    Opened,
    Missed
}

/// @notice What an operator is asked to open: its own commitment, to be held against what it attested.
/// @dev The court stores no field of it: the demand's id is its hash, and later calls bring it along.
/// @param oracle The oracle that the request belongs to.
/// @param requestId The request.
/// @param modelId The request's model, whose profile outputs are compared by.
/// @param operatorId Who signed both.
/// @param commitment What it signed before anybody showed an output.
/// @param attestedHash `keccak256` of the output that it attested.
struct OpeningDemand {
    address oracle;
    bytes32 requestId;
    bytes32 modelId;
    uint32 operatorId;
    bytes32 commitment;
    bytes32 attestedHash;
}

using OpeningDemandLib for OpeningDemand global;

/// @notice Hashes demands to their ids.
library OpeningDemandLib {
    /// @notice `keccak256(abi.encode(demand))`.
    function id(OpeningDemand memory demand) internal pure returns (bytes32) {
        return keccak256(abi.encode(demand));
    }
}
