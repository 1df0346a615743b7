// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice The few of forge's cheatcodes that `InferenceTest` needs, so that it depends on no version of forge-std
interface ICheatcodes {
    /// @notice Sets `block.timestamp`.
    function warp(uint256 timestamp) external;

    /// @notice Bytes as hex with 0x.
    function toString(bytes calldata value) external pure returns (string memory);

    /// @notice Runs a program; its standard output, read as hex. Only where the test runner allows it.
    function ffi(string[] calldata command) external returns (bytes memory);
}
