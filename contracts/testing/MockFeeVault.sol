// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IFeeVault} from "../interfaces/IFeeVault.sol";

/// @title MockFeeVault
/// @notice The part of the oracle's custody that a consumer sees: native credit, in wei, deposited, spent and withdrawn.
/// @dev The errors and events are the oracle's own. It lists no tokens.
abstract contract MockFeeVault {
    /// @notice The coin did not arrive.
    error TransferFailed(address to, uint256 amount);

    mapping(address account => uint256) private _credit;

    /// @notice Adds the attached value to an account's credit.
    function deposit(address account) external payable {
        _addCredit(account, msg.value);
        emit IFeeVault.Deposited(account, address(0), msg.value);
    }

    /// @notice Pays the caller's credit out.
    /// @param token The zero address: this vault holds nothing but the native coin.
    function withdrawCredit(address token, address to, uint256 amount) external {
        if (token != address(0)) revert IFeeVault.TokenNotListed(token);
        _takeCredit(amount);
        emit IFeeVault.CreditWithdrawn(msg.sender, token, to, amount);
        (bool sent,) = to.call{value: amount}("");
        if (!sent) revert TransferFailed(to, amount);
    }

    /// @notice An account's credit, in wei; none in any token.
    function creditOf(address account, address token) external view returns (uint256) {
        return token == address(0) ? _credit[account] : 0;
    }

    /// @dev Takes `needed` wei from the attached value, then from the caller's credit; an excess becomes credit.
    function _collect(uint256 needed) internal {
        if (msg.value > needed) _addCredit(msg.sender, msg.value - needed);
        else _takeCredit(needed - msg.value);
    }

    function _addCredit(address account, uint256 amount) internal {
        _credit[account] += amount;
    }

    function _takeCredit(uint256 amount) private {
        uint256 credit = _credit[msg.sender];
        if (credit < amount) revert IFeeVault.CreditTooLow(msg.sender, address(0), credit, amount);
        _credit[msg.sender] = credit - amount;
    }
}
