// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice What a submission of signatures carries along while it is checked and paid. Lives in memory only.
/// @param submitter Who submits it.
/// @param gasAtStart What `gasleft()` was, plus what the transaction had used up by then.
/// @param signers Who signed, as in `RequestSettled`.
/// @param signerCount How many they are.
/// @param submitterId The one of the signers that submits; 0 if none does.
/// @param gasOwed Wei of the gas reserve that is spoken for: what an earlier proposal's submitter gets.
struct Submission {
    address submitter;
    uint256 gasAtStart;
    uint256 signers;
    uint256 signerCount;
    uint32 submitterId;
    uint96 gasOwed;
}
