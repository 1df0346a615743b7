// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice What the oracle calls on a consumer
interface IInferenceCallback {
    /// @notice Brings the output of a settled request.
    function onInference(bytes32 requestId, bytes calldata output) external;

    /// @notice Says that a request expired; its payment is already back as the consumer's credit.
    function onExpired(bytes32 requestId, uint256 feeRefunded, uint256 gasReserveRefunded) external;
}
