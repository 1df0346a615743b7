// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {EfficientHashLib} from "solady/utils/EfficientHashLib.sol";

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

library RequestLib {
    /// @notice `keccak256(abi.encode(request))`: a hash of all its words, so whoever holds the id holds the request to what it says.
    function id(Request memory request) internal pure returns (bytes32) {
        return EfficientHashLib.hash(
            request.modelId,
            request.inputHash,
            bytes32(RequestTerms.unwrap(request.terms)),
            bytes32(RequestOpening.unwrap(request.opening)),
            bytes32(RequestFunds.unwrap(request.funds))
        );
    }

    /// @notice `id` of a request that is still calldata, without the copy.
    function idOf(Request calldata request) internal pure returns (bytes32) {
        return EfficientHashLib.hash(
            request.modelId,
            request.inputHash,
            bytes32(RequestTerms.unwrap(request.terms)),
            bytes32(RequestOpening.unwrap(request.opening)),
            bytes32(RequestFunds.unwrap(request.funds))
        );
    }
}
