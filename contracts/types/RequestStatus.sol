// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice Where a request stands on chain.
/// @dev `None` covers a request that was never opened and one that expired: expiry clears the slot.
enum RequestStatus {
    None,
    Open,
    Proposed,
    Settled,
    CallbackFailed,
    Challenged
}
