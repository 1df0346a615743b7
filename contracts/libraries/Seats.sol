// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IOperatorRegistry} from "../interfaces/IOperatorRegistry.sol";
import {Enrolment} from "../types/Enrolment.sol";

/// @notice Reading seats from the operator registry
library Seats {
    /// @notice The operator registry has no such view, or had no gas left for it.
    error SeatUnreadable(address operators);

    /// @notice `operators.enrolmentOf(modelId, operatorId)`.
    /// @dev In assembly because a settlement does it for every signer: 200 gas less each than the compiler's call, which
    /// encodes and decodes for contracts that may answer anything. This one is ours and answers one word.
    function read(IOperatorRegistry operators, bytes32 modelId, uint32 operatorId)
        internal
        view
        returns (Enrolment seat)
    {
        bytes4 selector = IOperatorRegistry.enrolmentOf.selector;
        bool answered;
        assembly ("memory-safe") {
            let payload := mload(0x40)
            mstore(payload, selector)
            mstore(add(payload, 0x04), modelId)
            mstore(add(payload, 0x24), operatorId)
            // The operands of `and` are evaluated from the last to the first.
            answered := and(eq(returndatasize(), 0x20), staticcall(gas(), operators, payload, 0x44, 0x00, 0x20))
            seat := mload(0x00)
        }
        if (!answered) revert SeatUnreadable(address(operators));
    }
}
