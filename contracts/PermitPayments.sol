// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {EfficientHashLib} from "solady/utils/EfficientHashLib.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

import {FeeVault} from "./FeeVault.sol";
import {IPermit2} from "./interfaces/IPermit2.sol";
import {IPermitPayments} from "./interfaces/IPermitPayments.sol";
import {Permit2Payment} from "./types/Permit2Payment.sol";
import {RequestParams} from "./types/RequestParams.sol";
import {TokenPermit} from "./types/TokenPermit.sol";

/// @title PermitPayments
/// @notice Payment by signature: ERC-2612 for the caller's own tokens, Permit2 for anybody's who signed for the caller.
abstract contract PermitPayments is IPermitPayments, FeeVault {
    /// @dev The same on every chain that has it.
    address private constant PERMIT2 = SafeTransferLib.PERMIT2;

    bytes32 private constant FEE_PAYMENT_TYPEHASH = keccak256("FeePayment(address account)");

    /// @dev What follows `PermitWitnessTransferFrom(…,` in the signed type, by Permit2's rules.
    string private constant WITNESS_TYPE =
        "FeePayment witness)FeePayment(address account)TokenPermissions(address token,uint256 amount)";

    /// @inheritdoc IPermitPayments
    function depositTokenWithPermit(address account, TokenPermit calldata permit) external {
        _usePermit(permit);
        _depositToken(permit.token, account, permit.amount);
    }

    /// @inheritdoc IPermitPayments
    function depositTokenWithPermit2(address account, Permit2Payment calldata payment) external {
        _depositByPermit2(account, payment);
    }

    /// @inheritdoc IPermitPayments
    function requestWithTokenPermit(RequestParams calldata params, TokenPermit calldata permit)
        external
        payable
        returns (bytes32 requestId)
    {
        _usePermit(permit);
        return _request(params);
    }

    /// @inheritdoc IPermitPayments
    function requestPaidThroughPermit2(RequestParams calldata params, Permit2Payment calldata payment)
        external
        payable
        returns (bytes32 requestId)
    {
        _depositByPermit2(msg.sender, payment);
        return _request(params);
    }

    /// @dev Opens a request of the caller, paid as `request` says.
    function _request(RequestParams calldata params) internal virtual returns (bytes32 requestId);

    /// @dev Turns the caller's signature into an allowance. Whoever sees the signature can do so before it, which is no harm:
    /// what counts is the allowance that the caller's payment then finds.
    function _usePermit(TokenPermit calldata permit) private {
        _indexOfToken(permit.token);
        try IERC20Permit(permit.token)
            .permit(msg.sender, address(this), permit.amount, permit.deadline, permit.v, permit.r, permit.s) {}
            catch {}
    }

    /// @dev Moves all of a signed payment into the credit of the account that it was signed for.
    function _depositByPermit2(address account, Permit2Payment calldata payment) private nonReentrant {
        if (PERMIT2.code.length == 0) revert Permit2Missing(PERMIT2);
        uint8 tokenIndex = _indexOfAcceptedToken(payment.token);
        uint256 before = SafeTransferLib.balanceOf(payment.token, address(this));
        IPermit2(PERMIT2)
            .permitWitnessTransferFrom(
                IPermit2.PermitTransferFrom({
                permitted: IPermit2.TokenPermissions({token: payment.token, amount: payment.amount}),
                nonce: payment.nonce,
                deadline: payment.deadline
            }),
                IPermit2.SignatureTransferDetails({to: address(this), requestedAmount: payment.amount}),
                payment.payer,
                EfficientHashLib.hash(FEE_PAYMENT_TYPEHASH, bytes32(uint256(uint160(account)))),
                WITNESS_TYPE,
                payment.signature
            );
        _requireReceived(payment.token, before, payment.amount);
        _creditDeposit(account, tokenIndex, payment.token, payment.amount);
    }
}
