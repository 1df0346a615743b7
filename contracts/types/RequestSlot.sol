// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {EfficientHashLib} from "solady/utils/EfficientHashLib.sol";

import {RequestStatus} from "./RequestStatus.sol";

/// @notice The one storage word that the oracle keeps per request.
/// @dev The lowest byte is the `RequestStatus`, the 248 bits above it are the head of a domain-separated hash of the
/// output, or zero while there is none. Zero as a whole: never opened, or expired.
type RequestSlot is uint256;

using RequestSlotLib for RequestSlot global;

/// @notice Makes and reads the oracle's word about a request.
library RequestSlotLib {
    RequestSlot internal constant NONE = RequestSlot.wrap(0);
    RequestSlot internal constant OPEN = RequestSlot.wrap(uint256(RequestStatus.Open));

    /// @dev Keeps a result hash from being mistaken for any other hash of the protocol.
    bytes32 private constant RESULT_DOMAIN = keccak256("Sibyl result");

    /// @notice The slot of a request that `outputHash` answered.
    function answered(bytes32 outputHash, RequestStatus status_) internal pure returns (RequestSlot) {
        bytes32 result = EfficientHashLib.hash(RESULT_DOMAIN, outputHash);
        return RequestSlot.wrap(uint256(result) & ~uint256(0xff) | uint256(status_));
    }

    function status(RequestSlot slot) internal pure returns (RequestStatus) {
        return RequestStatus(uint8(RequestSlot.unwrap(slot)));
    }

    function equals(RequestSlot slot, RequestSlot other) internal pure returns (bool) {
        return RequestSlot.unwrap(slot) == RequestSlot.unwrap(other);
    }

    /// @notice Whether `outputHash` answered the request, whatever became of the callback.
    function isAnswer(RequestSlot slot, bytes32 outputHash) internal pure returns (bool) {
        return slot.equals(answered(outputHash, RequestStatus.Settled))
            || slot.equals(answered(outputHash, RequestStatus.CallbackFailed));
    }
}
