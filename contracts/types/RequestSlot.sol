// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {EfficientHashLib} from "solady/utils/EfficientHashLib.sol";

import {RequestStatus} from "./RequestStatus.sol";

/// @notice The one storage word that the oracle keeps per request.
/// @dev The lowest byte is the `RequestStatus`, the 248 bits above it are the head of a domain-separated hash of the
/// output, or of the proposal while it may still be challenged, or zero. Zero as a whole: never opened, or refunded.
type RequestSlot is uint256;

using RequestSlotLib for RequestSlot global;

/// @notice Makes and reads the oracle's word about a request.
library RequestSlotLib {
    RequestSlot internal constant NONE = RequestSlot.wrap(0);
    RequestSlot internal constant OPEN = RequestSlot.wrap(uint256(RequestStatus.Open));

    /// @dev Keeps a result hash from being mistaken for any other hash of the protocol.
    bytes32 private constant RESULT_DOMAIN = keccak256("Sibyl result");
    bytes32 private constant PROPOSAL_DOMAIN = keccak256("Sibyl proposal");

    /// @notice The slot of a request that `outputHash` answered.
    function answered(bytes32 outputHash, RequestStatus status_) internal pure returns (RequestSlot) {
        return _join(EfficientHashLib.hash(RESULT_DOMAIN, outputHash), status_);
    }

    /// @notice The slot of a request whose proposal is not final yet.
    /// @param status_ `Proposed` or `Challenged`.
    function proposed(bytes32 proposalHash, RequestStatus status_) internal pure returns (RequestSlot) {
        return _join(EfficientHashLib.hash(PROPOSAL_DOMAIN, proposalHash), status_);
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

    function _join(bytes32 hash, RequestStatus status_) private pure returns (RequestSlot) {
        return RequestSlot.wrap(uint256(hash) & ~uint256(0xff) | uint256(status_));
    }
}
