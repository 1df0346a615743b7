// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {ModelTerms} from "../types/ModelTerms.sol";

/// @notice Reading what a model registry offers
library Offers {
    /// @notice The model registry has no such view, or had no gas left for it.
    error OfferUnreadable(address models);

    /// @notice `models.offerOf(modelId, operators)`.
    /// @dev In assembly for the same reason as `Seats.read`: the registry is ours and answers three words.
    function read(IModelRegistry models, bytes32 modelId, address operators)
        internal
        view
        returns (ModelTerms terms, uint64 totalWeight, uint32 seats)
    {
        bytes4 selector = IModelRegistry.offerOf.selector;
        bool answered;
        assembly ("memory-safe") {
            let payload := mload(0x40)
            mstore(payload, selector)
            mstore(add(payload, 0x04), modelId)
            mstore(add(payload, 0x24), operators)
            // The operands of `and` are evaluated from the last to the first.
            answered := and(eq(returndatasize(), 0x60), staticcall(gas(), models, payload, 0x44, payload, 0x60))
            terms := mload(payload)
            totalWeight := mload(add(payload, 0x20))
            seats := mload(add(payload, 0x40))
        }
        if (!answered) revert OfferUnreadable(address(models));
    }
}
