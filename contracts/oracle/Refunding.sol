// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {LibCall} from "solady/utils/LibCall.sol";

import {IInferenceCallback} from "../interfaces/IInferenceCallback.sol";
import {IInferenceOracle} from "../interfaces/IInferenceOracle.sol";
import {Request} from "../types/Request.sol";
import {RequestSlotLib} from "../types/RequestSlot.sol";
import {CallingBack} from "./CallingBack.sol";

/// @title Refunding
/// @notice How a request that nobody answered ends.
abstract contract Refunding is CallingBack {
    /// @dev Gas that a consumer's `onExpired` gets at most.
    uint256 private constant EXPIRY_CALLBACK_GAS = 150_000;

    /// @inheritdoc IInferenceOracle
    function expire(Request calldata request_) external {
        bytes32 id = request_.idOf();
        Entry storage entry = _openEntry(id);
        if (block.timestamp <= request_.terms.deadline()) {
            revert DeadlineNotPassed(id, request_.terms.deadline(), block.timestamp);
        }
        _refund(request_, id, entry);
    }

    /// @dev Closes a request and makes all that it escrows the consumer's credit, then tells the consumer.
    function _refund(Request calldata request_, bytes32 id, Entry storage entry) internal {
        address consumer = request_.terms.consumer();
        uint8 tokenIndex = request_.opening.tokenIndex();
        uint256 fee = request_.funds.fee();
        uint256 gasReserve = request_.funds.gasReserve();

        entry.slot = RequestSlotLib.NONE;
        if (tokenIndex == NATIVE) {
            // Unchecked: 96 bits each.
            unchecked {
                _addCredit(consumer, NATIVE, fee + gasReserve);
            }
        } else {
            _addCredit(consumer, tokenIndex, fee);
            _addCredit(consumer, NATIVE, gasReserve);
        }
        emit RequestExpired(id, request_.funds);

        bytes memory call = abi.encodeCall(IInferenceCallback.onExpired, (id, fee, gasReserve));
        _requireGas(EXPIRY_CALLBACK_GAS);
        (bool told,, bytes memory reason) = LibCall.tryCall(consumer, 0, EXPIRY_CALLBACK_GAS, MAX_REASON_BYTES, call);
        if (!told) emit ExpiryCallbackFailed(id, reason);
    }
}
