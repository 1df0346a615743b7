// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Signers} from "./libraries/Signers.sol";
import {ModelShares} from "./types/ModelShares.sol";

/// @title Ledger
/// @notice Who owns what of the money in custody: credit of accounts, earnings of operators, shares of models.
/// @dev Inherited by the oracle, so that settling needs no second call. It moves no money; `FeeVault` does.
/// What open requests escrow is written nowhere: each request says it itself, and its id binds it. So for every token
/// `balance >= credit + earnings + shares + escrow of open requests`.
abstract contract Ledger {
    /// @notice Index of the chain's native coin in the token list.
    uint8 internal constant NATIVE = 0;

    mapping(uint256 accountAndToken => uint256) private _credit;
    mapping(uint256 operatorAndToken => uint256) private _earnings;
    mapping(bytes32 modelId => mapping(uint8 tokenIndex => SharesEntry)) private _shares;

    /// @dev A struct, so that a function finds the word's place once and then reads and writes it there.
    struct SharesEntry {
        ModelShares shares;
    }

    function _creditBalance(address account, uint8 tokenIndex) internal view returns (uint256) {
        return _credit[_accountKey(account, tokenIndex)];
    }

    function _addCredit(address account, uint8 tokenIndex, uint256 amount) internal {
        if (amount != 0) _credit[_accountKey(account, tokenIndex)] += amount;
    }

    /// @dev `_addCredit` in the native coin.
    function _addNativeCredit(address account, uint256 amount) internal {
        if (amount == 0) return;
        // Unchecked: all of the chain's coins fit.
        unchecked {
            _credit[_accountKey(account, NATIVE)] += amount;
        }
    }

    /// @notice Takes credit from an account if it has that much.
    /// @return enough Whether the account had `amount`; if not, nothing changed.
    function _takeCredit(address account, uint8 tokenIndex, uint256 amount) internal returns (bool enough) {
        uint256 key = _accountKey(account, tokenIndex);
        uint256 balance = _credit[key];
        if (balance < amount) return false;
        _credit[key] = balance - amount;
        return true;
    }

    function _earningsBalance(uint32 operatorId, uint8 tokenIndex) internal view returns (uint256) {
        return _earnings[_operatorKey(operatorId, tokenIndex)];
    }

    /// @dev Moves credit of an account to an operator. The caller knows that the account has at least `amount`.
    function _creditToEarnings(address account, uint32 operatorId, uint8 tokenIndex, uint256 amount) internal {
        // Unchecked: see above.
        unchecked {
            _credit[_accountKey(account, tokenIndex)] -= amount;
        }
        _addEarnings(operatorId, tokenIndex, amount);
    }

    /// @dev Each amount is part of a 96-bit fee or gas reserve.
    function _addEarnings(uint32 operatorId, uint8 tokenIndex, uint256 amount) internal {
        if (amount == 0) return;
        // Unchecked: 2^160 of the highest amounts fit.
        unchecked {
            _earnings[_operatorKey(operatorId, tokenIndex)] += amount;
        }
    }

    /// @dev `amount` for each of `signers`, as in `RequestSettled`.
    function _addEarningsOfEach(uint256 signers, uint8 tokenIndex, uint256 amount) internal {
        for (; signers != 0; signers = Signers.rest(signers)) {
            _addEarnings(Signers.first(signers), tokenIndex, amount);
        }
    }

    /// @notice Empties an operator's earnings.
    /// @return amount All that the operator had.
    function _takeEarnings(uint32 operatorId, uint8 tokenIndex) internal returns (uint256 amount) {
        uint256 key = _operatorKey(operatorId, tokenIndex);
        amount = _earnings[key];
        _earnings[key] = 0;
    }

    function _sharesBalance(bytes32 modelId, uint8 tokenIndex) internal view returns (ModelShares) {
        return _shares[modelId][tokenIndex].shares;
    }

    /// @dev Each amount is part of a 96-bit fee.
    function _addShares(bytes32 modelId, uint8 tokenIndex, uint256 royalty, uint256 protocol) internal {
        if (royalty | protocol == 0) return;
        SharesEntry storage entry = _shares[modelId][tokenIndex];
        entry.shares = entry.shares.plus(royalty, protocol);
    }

    /// @notice Empties a model's royalties.
    /// @return amount All royalties that the model had.
    function _takeRoyalty(bytes32 modelId, uint8 tokenIndex) internal returns (uint256 amount) {
        SharesEntry storage entry = _shares[modelId][tokenIndex];
        ModelShares shares = entry.shares;
        entry.shares = shares.withoutRoyalty();
        return shares.royalty();
    }

    /// @notice Empties the protocol's share of a model's fees.
    /// @return amount All of the protocol's share that the model had.
    function _takeProtocolShare(bytes32 modelId, uint8 tokenIndex) internal returns (uint256 amount) {
        SharesEntry storage entry = _shares[modelId][tokenIndex];
        ModelShares shares = entry.shares;
        entry.shares = shares.withoutProtocol();
        return shares.protocol();
    }

    /// @dev One word instead of a nested mapping: one hash less for each balance that a settlement touches.
    function _accountKey(address account, uint8 tokenIndex) private pure returns (uint256) {
        return uint256(uint160(account)) << 8 | tokenIndex;
    }

    function _operatorKey(uint32 operatorId, uint8 tokenIndex) private pure returns (uint256) {
        return uint256(operatorId) << 8 | tokenIndex;
    }
}
