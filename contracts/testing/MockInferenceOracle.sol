// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IInferenceCallback} from "../interfaces/IInferenceCallback.sol";
import {IInferenceOracle} from "../interfaces/IInferenceOracle.sol";
import {Attestation} from "../types/Attestation.sol";
import {Request} from "../types/Request.sol";
import {RequestStatus} from "../types/RequestStatus.sol";
import {Settlement} from "../types/Settlement.sol";
import {MockRequests} from "./MockRequests.sol";

/// @title MockInferenceOracle
/// @notice Stands in for the oracle in a consumer's own tests: requests are real, and the test gives the answers.
/// @dev Same requests, checks, events, callbacks, gas limits and credit as the oracle. No operators, no signatures, no
/// models: every model but the zero one costs `fee`, and whoever calls it is believed. `InferenceTest` drives it in
/// forge. Never deploy it where something depends on an answer.
contract MockInferenceOracle is MockRequests {
    /// @notice The request waits in its challenge window, or never had one.
    error NotFinalizable(bytes32 requestId, RequestStatus status, uint256 finalAt, uint256 timestamp);

    // As in the oracle.
    uint256 private constant EXPIRY_CALLBACK_GAS = 150_000;
    uint256 private constant CALL_OVERHEAD = 5_000;
    uint256 private constant MAX_REASON_BYTES = 256;

    // What a test does

    /// @notice Settles a request with `output`, as a quorum would, and gives all of the gas reserve back as credit.
    /// With a challenge window the output is only proposed: the callback comes with `finalize`.
    /// @return delivered Whether the consumer's callback came and succeeded.
    function answer(bytes32 requestId, bytes calldata output) external returns (bool delivered) {
        return _answer(requestId, output);
    }

    /// @notice Settles a request with `output` and lets its callback run out of gas, so that it needs `redeliver`.
    function failCallback(bytes32 requestId, bytes calldata output) external {
        _requireOpen(requestId);
        _conclude(requestId, output, 0);
    }

    /// @notice Makes a proposed output final once its challenge window is over.
    /// @return delivered Whether the consumer's callback succeeded.
    function finalize(bytes32 requestId) external returns (bool delivered) {
        Record storage record = _records[requestId];
        uint256 finalAt = record.proposedAt + record.request.opening.challengeWindow();
        if (record.status != RequestStatus.Proposed || block.timestamp <= finalAt) {
            revert NotFinalizable(requestId, record.status, finalAt, block.timestamp);
        }
        return _conclude(requestId, record.proposed, record.request.terms.callbackGasLimit());
    }

    /// @notice Settles a proposed request with another output, as a challenge that succeeded does.
    /// @return delivered Whether the consumer's callback succeeded.
    function overturn(bytes32 requestId, bytes calldata output) external returns (bool delivered) {
        Record storage record = _records[requestId];
        if (record.status != RequestStatus.Proposed) revert RequestNotOpen(requestId, record.status);
        return _conclude(requestId, output, record.request.terms.callbackGasLimit());
    }

    /// @notice Refunds a proposed request, as a challenge does about which nobody decides in time.
    /// @return told Whether the consumer's `onExpired` succeeded.
    function annul(bytes32 requestId) external returns (bool told) {
        RequestStatus current = _records[requestId].status;
        if (current != RequestStatus.Proposed) revert RequestNotOpen(requestId, current);
        return _refund(requestId);
    }

    /// @notice Closes a request as if its deadline had passed, and refunds it.
    /// @return told Whether the consumer's `onExpired` succeeded.
    function expire(bytes32 requestId) public returns (bool told) {
        _requireOpen(requestId);
        return _refund(requestId);
    }

    function _refund(bytes32 requestId) private returns (bool told) {
        Request memory opened = _records[requestId].request;
        uint256 feeRefunded = opened.funds.fee();
        uint256 gasReserve = opened.funds.gasReserve();
        _records[requestId].status = RequestStatus.None;
        _addCredit(opened.terms.consumer(), feeRefunded + gasReserve);
        emit RequestExpired(requestId, opened.funds);
        bytes memory call = abi.encodeCall(IInferenceCallback.onExpired, (requestId, feeRefunded, gasReserve));
        _requireGas(EXPIRY_CALLBACK_GAS);
        told = _call(requestId, EXPIRY_CALLBACK_GAS, call);
        if (!told) emit ExpiryCallbackFailed(requestId, _records[requestId].callbackReason);
    }

    /// @notice Calls back again after a callback that failed.
    function redeliver(bytes32 requestId, bytes calldata output) public {
        Record storage record = _records[requestId];
        bytes32 outputHash = keccak256(output);
        if (record.status != RequestStatus.CallbackFailed) revert NothingToRedeliver(requestId, record.status);
        if (record.outputHash != outputHash) revert WrongOutput(requestId, outputHash);
        record.status = RequestStatus.Settled;
        emit Redelivered(requestId);
        bytes memory call = abi.encodeCall(IInferenceCallback.onInference, (requestId, output));
        _requireGas(record.request.terms.callbackGasLimit());
        if (!_call(requestId, gasleft(), call)) revert RedeliveryFailed(requestId, record.callbackReason);
    }

    // The oracle's other entries

    /// @inheritdoc IInferenceOracle
    function settle(Request calldata request_, bytes calldata output, uint256, Attestation[] calldata) public {
        _answer(request_.idOf(), output);
    }

    /// @inheritdoc IInferenceOracle
    function settleBatch(Settlement[] calldata items) external returns (bytes4[] memory results) {
        results = new bytes4[](items.length);
        for (uint256 i = 0; i < items.length; ++i) {
            settle(items[i].request, items[i].output, items[i].viewNumber, items[i].attestations);
        }
    }

    /// @inheritdoc IInferenceOracle
    function expire(Request calldata request_) external {
        bytes32 requestId = request_.idOf();
        _requireOpen(requestId);
        uint256 deadline = request_.terms.deadline();
        if (block.timestamp <= deadline) revert DeadlineNotPassed(requestId, deadline, block.timestamp);
        expire(requestId);
    }

    /// @inheritdoc IInferenceOracle
    function redeliver(Request calldata request_, bytes calldata output) external {
        redeliver(request_.idOf(), output);
    }

    /// @inheritdoc IInferenceOracle
    function status(bytes32 requestId) external view returns (RequestStatus) {
        return _records[requestId].status;
    }

    /// @inheritdoc IInferenceOracle
    function verifyOutput(bytes32 requestId, bytes calldata output) external view returns (bool) {
        Record storage record = _records[requestId];
        bool answered = record.status == RequestStatus.Settled || record.status == RequestStatus.CallbackFailed;
        return answered && record.outputHash == keccak256(output);
    }

    // Internals

    function _requireOpen(bytes32 requestId) private view {
        RequestStatus current = _recordOf(requestId).status;
        if (current != RequestStatus.Open) revert RequestNotOpen(requestId, current);
    }

    function _answer(bytes32 requestId, bytes calldata output) private returns (bool delivered) {
        _requireOpen(requestId);
        Record storage record = _records[requestId];
        uint256 deadline = record.request.terms.deadline();
        if (block.timestamp > deadline) revert DeadlinePassed(requestId, deadline, block.timestamp);
        if (record.request.opening.challengeWindow() == 0) {
            return _conclude(requestId, output, record.request.terms.callbackGasLimit());
        }
        (record.status, record.proposed, record.proposedAt) = (RequestStatus.Proposed, output, block.timestamp);
        return false;
    }

    function _conclude(bytes32 requestId, bytes memory output, uint256 gasLimit) private returns (bool delivered) {
        Record storage record = _records[requestId];
        (record.status, record.outputHash) = (RequestStatus.Settled, keccak256(output));
        bytes memory call = abi.encodeCall(IInferenceCallback.onInference, (requestId, output));
        _requireGas(gasLimit);
        delivered = _call(requestId, gasLimit, call);
        if (!delivered) record.status = RequestStatus.CallbackFailed;
        _addCredit(record.request.terms.consumer(), record.request.funds.gasReserve());
        emit RequestSettled(requestId, 0, 0, output);
        if (!delivered) emit CallbackFailed(requestId, record.callbackReason);
    }

    /// @dev Calls the consumer with exactly `gasLimit` gas, keeps no more of what comes back than the oracle does, and
    /// notes down what the call used.
    function _call(bytes32 requestId, uint256 gasLimit, bytes memory data) private returns (bool success) {
        address consumer = _records[requestId].request.terms.consumer();
        uint256 gasUsed = gasleft();
        assembly ("memory-safe") {
            success := call(gasLimit, consumer, 0, add(data, 0x20), mload(data), 0, 0)
        }
        gasUsed -= gasleft();
        bytes memory reason;
        assembly ("memory-safe") {
            let length := returndatasize()
            if gt(length, MAX_REASON_BYTES) { length := MAX_REASON_BYTES }
            reason := mload(0x40)
            mstore(reason, length)
            returndatacopy(add(reason, 0x20), 0, length)
            mstore(0x40, add(add(reason, 0x20), and(add(length, 31), not(31))))
        }
        _records[requestId].callbackGas = gasUsed;
        _records[requestId].callbackReason = reason;
    }

    /// @dev A call gets at most 63/64 of what is left, silently: so check before.
    function _requireGas(uint256 gasLimit) private view {
        uint256 needed = gasLimit * 64 / 63 + CALL_OVERHEAD;
        if (gasleft() < needed) revert NotEnoughGas(gasleft(), needed);
    }
}
