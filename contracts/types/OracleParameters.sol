// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice The oracle's bounded parameters; one slot, because every request reads it.
/// @param roundSeconds Seconds after which the draw doubles, 1 to 3600.
/// @param overdrawBps How many operators are drawn in round 0 for one seat of the committee, 10000 (one) to 50000.
/// @param protocolBps Part of each fee that goes to the protocol, at most 2000.
/// @param maxLifetimeSeconds Longest time from opening to deadline, 60 to 86400. Keep it below the time in which the
/// chain makes 8191 blocks: older block hashes are gone, and with them the draw.
/// @param maxCallbackGas Highest callback gas limit, 100000 to 10000000.
/// @param maxInputBytes Longest input, 1024 to 131072.
struct OracleParameters {
    uint16 roundSeconds;
    uint16 overdrawBps;
    uint16 protocolBps;
    uint32 maxLifetimeSeconds;
    uint32 maxCallbackGas;
    uint32 maxInputBytes;
}
