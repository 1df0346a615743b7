// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice Block hashes further back than the opcode reaches
library BlockHashes {
    /// @notice The hash of block `number` is not known: it is this block or a later one, or too old.
    error BlockHashUnavailable(uint256 number, uint256 currentBlock);

    /// @dev EIP-2935: the last 8191 block hashes, served by a system contract.
    address internal constant HISTORY = 0x0000F90827F1C53a10cb7A02335B175320002935;

    uint256 private constant OPCODE_REACH = 256;

    /// @notice The hash of block `number`; zero when the chain no longer, or not yet, tells.
    function find(uint256 number) internal view returns (bytes32 hash) {
        hash = blockhash(number);
        if (hash == 0 && number + OPCODE_REACH < block.number) {
            (bool success, bytes memory answer) = HISTORY.staticcall(abi.encode(number));
            // Where the contract is missing the call succeeds with nothing.
            if (success && answer.length == 32) hash = abi.decode(answer, (bytes32));
        }
    }

    /// @notice The hash of block `number`, or a revert with `BlockHashUnavailable`.
    function get(uint256 number) internal view returns (bytes32 hash) {
        hash = find(number);
        if (hash == 0) revert BlockHashUnavailable(number, block.number);
    }
}
