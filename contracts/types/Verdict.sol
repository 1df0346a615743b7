// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice What an arbiter says of a challenged request, beside the output itself.
/// @param signers Who is paid the fee for the output, as in `RequestSettled`; at least one.
/// @param resolver Who brought the verdict. Its gas is repaid if it is the attester of one of `signers`.
/// @param gasUsed Gas that the resolver's transaction used before it reached the oracle, intrinsic and calldata in.
struct Verdict {
    uint256 signers;
    address resolver;
    uint256 gasUsed;
}
