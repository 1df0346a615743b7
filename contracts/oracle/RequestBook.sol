// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {FeeVault} from "../FeeVault.sol";
import {IInferenceOracle} from "../interfaces/IInferenceOracle.sol";
import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {IOperatorRegistry} from "../interfaces/IOperatorRegistry.sol";
import {RequestSlot, RequestSlotLib} from "../types/RequestSlot.sol";
import {RequestStatus} from "../types/RequestStatus.sol";

/// @title RequestBook
/// @notice Where every request stands: one word each, and who the registries are.
abstract contract RequestBook is IInferenceOracle, FeeVault {
    /// @dev A struct, so that a function finds a request's place in storage once and then reads and writes it there.
    struct Entry {
        RequestSlot slot;
    }

    /// @notice Where models are published.
    IModelRegistry public immutable models;
    /// @notice Where operators stake and take seats.
    IOperatorRegistry public immutable operators;

    mapping(bytes32 requestId => Entry) internal _entries;

    constructor(IModelRegistry models_, IOperatorRegistry operators_) {
        models = models_;
        operators = operators_;
    }

    /// @inheritdoc IInferenceOracle
    function status(bytes32 requestId) external view returns (RequestStatus) {
        return _entries[requestId].slot.status();
    }

    /// @inheritdoc IInferenceOracle
    function verifyOutput(bytes32 requestId, bytes calldata output) external view returns (bool) {
        return _entries[requestId].slot.isAnswer(keccak256(output));
    }

    function _openEntry(bytes32 id) internal view returns (Entry storage entry) {
        entry = _entries[id];
        RequestSlot slot = entry.slot;
        if (!slot.equals(RequestSlotLib.OPEN)) revert RequestNotOpen(id, slot.status());
    }

    // Seams

    function _ownerOfOperator(uint32 operatorId) internal view override returns (address) {
        return operators.ownerOf(operatorId);
    }

    function _publisherOfModel(bytes32 modelId) internal view override returns (address) {
        return models.publisherOf(modelId);
    }
}
