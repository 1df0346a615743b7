// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title What settling a request costs, in gas
/// @notice The reserve is what a request sets aside beforehand; the rest measures what a settlement really used.
/// @dev Measured figures. `npm run bench:gas` holds what a settlement repays to within 2 percent of its receipt, for outputs of
/// 32 B and of 1 KiB and for a batch; `test/contracts/Gas.t.sol` holds the reserve to the worst case.
library SettlementGas {
    /// @dev What every transaction costs before it runs.
    uint256 internal constant TRANSACTION = 21_000;

    /// @dev What a request with a challenge window reserves beyond that: one transaction proposes, another one finalizes.
    uint256 internal constant RESERVE_FOR_FINALIZING = 75_000;

    // The reserve: an upper bound for an output of up to 1 KiB, with every balance slot fresh.
    uint256 private constant RESERVE_BASE = 125_000;
    uint256 private constant RESERVE_PER_SIGNATURE = 34_000;

    // Calldata of one settlement beside the output's own bytes, by EIP-2028.
    uint256 private constant CALLDATA_BASE = 3_000;
    uint256 private constant CALLDATA_PER_SIGNATURE = 1_190;
    uint256 private constant CALLDATA_PER_OUTPUT_BYTE = 16;

    // What runs after the gas was read for the last time: two balances that are warm by then, and the event.
    uint256 private constant TAIL_BASE = 4_000;
    uint256 private constant TAIL_PER_OUTPUT_BYTE = 9;

    // The same of a proposal: its hash, the request's word, the event.
    uint256 private constant PROPOSAL_TAIL_BASE = 7_600;

    // Calldata of a finalization beside the output's own bytes: a request and a proposal.
    uint256 private constant FINALIZATION_CALLDATA_BASE = 4_000;

    // Calldata of a resolution beyond a finalization's: the challenge, and the places of what has no fixed size.
    uint256 private constant RESOLUTION_CALLDATA_BASE = 1_500;

    // What a batch spends on an item outside the item's own measurement.
    uint256 private constant BATCH_PER_ITEM = 600;

    /// @notice Gas that a request reserves for its settlement.
    function reserve(uint8 quorum, uint32 callbackGasLimit) internal pure returns (uint256) {
        // Unchecked: 8 and 32 bits.
        unchecked {
            return RESERVE_BASE + RESERVE_PER_SIGNATURE * quorum + callbackGasLimit;
        }
    }

    /// @notice Gas of a settlement's calldata, which `gasleft()` cannot see.
    function settlementCalldata(uint256 quorum, uint256 outputLength) internal pure returns (uint256) {
        // Unchecked: both are far below 2^64.
        unchecked {
            return CALLDATA_BASE + CALLDATA_PER_SIGNATURE * quorum + CALLDATA_PER_OUTPUT_BYTE * outputLength;
        }
    }

    /// @notice Gas of a finalization before it runs: the transaction itself, and its calldata.
    function finalization(uint256 outputLength) internal pure returns (uint256) {
        // Unchecked: far below 2^64.
        unchecked {
            return TRANSACTION + FINALIZATION_CALLDATA_BASE + CALLDATA_PER_OUTPUT_BYTE * outputLength;
        }
    }

    /// @notice Gas of a dispute's resolution before it runs: the transaction itself, and its calldata.
    function resolution(uint256 jurors, uint256 outputLength) internal pure returns (uint256) {
        // Unchecked: far below 2^64.
        unchecked {
            return finalization(outputLength) + RESOLUTION_CALLDATA_BASE + CALLDATA_PER_SIGNATURE * jurors;
        }
    }

    /// @notice Gas of what a settlement or finalization does after it measured its gas.
    function tail(uint256 outputLength) internal pure returns (uint256) {
        // Unchecked: far below 2^64.
        unchecked {
            return TAIL_BASE + TAIL_PER_OUTPUT_BYTE * outputLength;
        }
    }

    /// @notice Gas of what a proposal does after it measured its gas.
    function proposalTail(uint256 outputLength) internal pure returns (uint256) {
        // Unchecked: far below 2^64.
        unchecked {
            return PROPOSAL_TAIL_BASE + TAIL_PER_OUTPUT_BYTE * outputLength;
        }
    }

    /// @notice An item's part of what a batch of `items` costs as one transaction.
    function batchShare(uint256 items) internal pure returns (uint256) {
        return items == 0 ? 0 : TRANSACTION / items + BATCH_PER_ITEM;
    }
}
