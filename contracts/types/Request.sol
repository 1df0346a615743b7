// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {RequestFunds} from "./RequestFunds.sol";
import {RequestOpening} from "./RequestOpening.sol";
import {RequestTerms} from "./RequestTerms.sol";

/// @notice Everything that settling, expiring or redelivering a request needs, as it stood when the request opened.
/// @dev Five words, because the struct is logged once and passed as calldata with every later call.
/// The oracle stores no field of it: `requestId = keccak256(abi.encode(request))` is the only handle.
/// @param modelId The model's content address.
/// @param inputHash `keccak256(input)`.
/// @param terms Who asks, until when, and how many operators must agree. See `RequestTerms`.
/// @param opening When it opened and the protocol parameters of that moment. See `RequestOpening`.
/// @param funds What it escrows. See `RequestFunds`.
struct Request {
    bytes32 modelId;
    bytes32 inputHash;
    RequestTerms terms;
    RequestOpening opening;
    RequestFunds funds;
}

using RequestLib for Request global;

/// @notice Hashes requests to their ids.
library RequestLib {
    /// @notice `keccak256(abi.encode(request))`: a hash of all its words, so whoever holds the id holds the request to what it says.
    /// @dev A struct of five words lies in memory as its encoding does, so it is hashed where it is.
    function id(Request memory request) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            hash := keccak256(request, 0xa0)
        }
    }

    /// @notice `id` of a request that is still calldata.
    function idOf(Request calldata request) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            let words := mload(0x40)
            calldatacopy(words, request, 0xa0)
            hash := keccak256(words, 0xa0)
        }
    }
}
