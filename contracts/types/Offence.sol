// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice What a judge may find an operator guilty of; each has a bounded penalty of its own.
/// @dev Equivocation is no offence for judges: two signatures prove it, and the registry takes everything.
enum Offence {
    /// It attested an answer, and did not open its own earlier commitment when asked.
    MissedOpening,
    /// It signed an output that a larger draw found wrong.
    OverturnedOutput
}
