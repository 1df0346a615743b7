// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

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
                _addNativeCredit(consumer, fee + gasReserve);
            }
        } else {
            _addCredit(consumer, tokenIndex, fee);
            _addNativeCredit(consumer, gasReserve);
        }
        emit RequestExpired(id, request_.funds);

        _requireGas(EXPIRY_CALLBACK_GAS);
        if (!_tellExpired(consumer, id, fee, gasReserve)) emit ExpiryCallbackFailed(id, _returned());
    }

    /// @dev `onExpired` with its gas, whatever becomes of it.
    /// @dev In assembly because its three words need no encoder, nor its success a copy of what it returned: 200 gas less.
    function _tellExpired(address consumer, bytes32 id, uint256 fee, uint256 gasReserve) private returns (bool told) {
        bytes4 selector = IInferenceCallback.onExpired.selector;
        assembly ("memory-safe") {
            let payload := mload(0x40)
            mstore(payload, selector)
            mstore(add(payload, 0x04), id)
            mstore(add(payload, 0x24), fee)
            mstore(add(payload, 0x44), gasReserve)
            told := call(EXPIRY_CALLBACK_GAS, consumer, 0, payload, 0x64, 0, 0)
        }
    }

    /// @dev The first bytes that the last call returned.
    function _returned() private pure returns (bytes memory reason) {
        assembly ("memory-safe") {
            reason := mload(0x40)
            let size := returndatasize()
            if gt(size, MAX_REASON_BYTES) { size := MAX_REASON_BYTES }
            mstore(reason, size)
            returndatacopy(add(reason, 0x20), 0, size)
            mstore(0x40, add(reason, and(add(size, 0x3f), not(0x1f))))
        }
    }
}
