// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {EfficientHashLib} from "solady/utils/EfficientHashLib.sol";
import {LibCall} from "solady/utils/LibCall.sol";

import {IInferenceCallback} from "../interfaces/IInferenceCallback.sol";
import {IInferenceOracle} from "../interfaces/IInferenceOracle.sol";
import {Request} from "../types/Request.sol";
import {RequestSlot, RequestSlotLib} from "../types/RequestSlot.sol";
import {RequestStatus} from "../types/RequestStatus.sol";
import {RequestBook} from "./RequestBook.sol";

/// @title CallingBack
/// @notice How an output reaches its consumer, at once or later.
abstract contract CallingBack is RequestBook {
    /// @dev Bytes of a failing callback's return data that are looked at; more would let it burn the submitter's gas.
    uint16 internal constant MAX_REASON_BYTES = 256;

    /// @dev What a call costs before its own 63/64 are counted: a cold account, and the copy of its arguments.
    uint256 private constant CALL_OVERHEAD = 5_000;

    /// @dev Hands the output over with exactly the gas that the consumer asked for.
    function _callBack(Request calldata request_, bytes32 id, bytes calldata output)
        internal
        returns (bool delivered, bytes memory reason)
    {
        uint256 gasLimit = request_.terms.callbackGasLimit();
        bytes memory call = abi.encodeCall(IInferenceCallback.onInference, (id, output));
        _requireGas(gasLimit);
        (delivered,, reason) = LibCall.tryCall(request_.terms.consumer(), 0, gasLimit, MAX_REASON_BYTES, call);
    }

    /// @dev A call gets at most 63/64 of what is left, silently: so check before.
    function _requireGas(uint256 gasLimit) internal view {
        // Unchecked: the limit has 32 bits.
        unchecked {
            uint256 needed = gasLimit * 64 / 63 + CALL_OVERHEAD;
            if (gasleft() < needed) revert NotEnoughGas(gasleft(), needed);
        }
    }

    /// @inheritdoc IInferenceOracle
    function redeliver(Request calldata request_, bytes calldata output) external {
        bytes32 id = request_.idOf();
        bytes32 outputHash = EfficientHashLib.hashCalldata(output);
        Entry storage entry = _entries[id];
        RequestSlot slot = entry.slot;
        if (slot.status() != RequestStatus.CallbackFailed) revert NothingToRedeliver(id, slot.status());
        if (!slot.isAnswer(outputHash)) revert WrongOutput(id, outputHash);

        entry.slot = RequestSlotLib.answered(outputHash, RequestStatus.Settled);
        emit Redelivered(id);
        bytes memory call = abi.encodeCall(IInferenceCallback.onInference, (id, output));
        _requireGas(request_.terms.callbackGasLimit());
        (bool delivered,, bytes memory reason) =
            LibCall.tryCall(request_.terms.consumer(), 0, gasleft(), MAX_REASON_BYTES, call);
        if (!delivered) revert RedeliveryFailed(id, reason);
    }
}
