// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Permit2Payment} from "../types/Permit2Payment.sol";
import {RequestParams} from "../types/RequestParams.sol";
import {TokenPermit} from "../types/TokenPermit.sol";

/// @notice Payment in tokens without an approval transaction
interface IPermitPayments {
    /// @notice This chain has no Permit2 contract where all chains have it.
    error Permit2Missing(address permit2);

    /// @notice Like `depositToken`, with the caller's ERC-2612 permit in place of an approval.
    function depositTokenWithPermit(address account, TokenPermit calldata permit) external;

    /// @notice Moves a payer's tokens into `account`'s credit by a Permit2 signature that names the account.
    /// @dev Anybody may submit it: the account that the payer signed for is the only one that can gain.
    function depositTokenWithPermit2(address account, Permit2Payment calldata payment) external;

    /// @notice Like `request`, with the caller's ERC-2612 permit in place of an approval. What the fee does not need of it
    /// stays an allowance.
    function requestWithTokenPermit(RequestParams calldata params, TokenPermit calldata permit)
        external
        payable
        returns (bytes32 requestId);

    /// @notice Like `request`, with a Permit2 payment, by the caller or by a user of the caller, that names the caller. What
    /// the fee does not need of it stays the caller's credit.
    function requestPaidThroughPermit2(RequestParams calldata params, Permit2Payment calldata payment)
        external
        payable
        returns (bytes32 requestId);
}
