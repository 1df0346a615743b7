// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

import {Ledger} from "./Ledger.sol";
import {IFeeVault} from "./interfaces/IFeeVault.sol";
import {Signers} from "./libraries/Signers.sol";
import {ModelShares} from "./types/ModelShares.sol";
import {Token} from "./types/Token.sol";

/// @title FeeVault
/// @notice Custody of all that the oracle holds: what comes in becomes credit, what goes out is asked for by its owner.
/// @dev The guard is for tokens that call back: between reading a balance and crediting the difference, nothing else may
/// move tokens. Native payments would do without: what leaves is written off before it leaves.
abstract contract FeeVault is IFeeVault, Ledger, Ownable2Step, ReentrancyGuardTransient {
    /// @dev Append-only: an index means the same token for ever, so an open request needs to carry only the index.
    Token[] private _tokens;
    mapping(address token => uint8) private _indexOf;

    constructor() {
        _tokens.push(Token({addr: address(0), accepted: true}));
        emit TokenListed(NATIVE, address(0));
    }

    // In

    /// @inheritdoc IFeeVault
    function deposit(address account) external payable {
        _addNativeCredit(account, msg.value);
        emit Deposited(account, address(0), msg.value);
    }

    /// @inheritdoc IFeeVault
    function depositToken(address token, address account, uint256 amount) external {
        _depositToken(token, account, amount);
    }

    /// @inheritdoc IFeeVault
    function splitEarnings(uint256 signers) external payable {
        uint256 count = Signers.count(signers);
        if (count == 0) revert NobodyToPay();
        uint256 each = msg.value / count;
        // What does not divide goes to the first.
        _addEarnings(Signers.first(signers), NATIVE, msg.value - each * (count - 1));
        _addEarningsOfEach(Signers.rest(signers), NATIVE, each);
        emit EarningsSplit(signers, msg.value);
    }

    // Out

    /// @inheritdoc IFeeVault
    function withdrawCredit(address token, address to, uint256 amount) external nonReentrant {
        uint8 tokenIndex = _indexOfToken(token);
        _requireCredit(msg.sender, tokenIndex, amount);
        emit CreditWithdrawn(msg.sender, token, to, amount);
        _send(token, to, amount);
    }

    /// @inheritdoc IFeeVault
    function withdrawEarnings(uint32 operatorId, address token, address to)
        external
        nonReentrant
        returns (uint256 amount)
    {
        address operatorOwner = _ownerOfOperator(operatorId);
        if (msg.sender != operatorOwner) revert NotOperatorOwner(operatorId, operatorOwner, msg.sender);
        amount = _takeEarnings(operatorId, _indexOfToken(token));
        emit EarningsWithdrawn(operatorId, token, to, amount);
        _send(token, to, amount);
    }

    /// @inheritdoc IFeeVault
    function withdrawRoyalties(bytes32 modelId, address token, address to)
        external
        nonReentrant
        returns (uint256 amount)
    {
        address publisher = _publisherOfModel(modelId);
        if (msg.sender != publisher) revert NotModelPublisher(modelId, publisher, msg.sender);
        amount = _takeRoyalty(modelId, _indexOfToken(token));
        emit RoyaltiesWithdrawn(modelId, token, to, amount);
        _send(token, to, amount);
    }

    /// @inheritdoc IFeeVault
    function withdrawProtocolShare(bytes32 modelId, address token, address to)
        external
        onlyOwner
        nonReentrant
        returns (uint256 amount)
    {
        amount = _takeProtocolShare(modelId, _indexOfToken(token));
        emit ProtocolShareWithdrawn(modelId, token, to, amount);
        _send(token, to, amount);
    }

    // Tokens

    /// @inheritdoc IFeeVault
    function listToken(address token) external onlyOwner returns (uint8 tokenIndex) {
        if (token.code.length == 0) revert TokenNotListed(token);
        if (_indexOf[token] != 0) revert TokenAlreadyListed(token, _indexOf[token]);
        if (_tokens.length > type(uint8).max) revert TokenListFull();
        tokenIndex = uint8(_tokens.length);
        _tokens.push(Token({addr: token, accepted: true}));
        _indexOf[token] = tokenIndex;
        emit TokenListed(tokenIndex, token);
    }

    /// @inheritdoc IFeeVault
    function setTokenAccepted(address token, bool accepted) external onlyOwner {
        uint8 tokenIndex = _indexOfToken(token);
        _tokens[tokenIndex].accepted = accepted;
        emit TokenAcceptanceChanged(tokenIndex, accepted);
    }

    // Views

    /// @inheritdoc IFeeVault
    function creditOf(address account, address token) external view returns (uint256) {
        return _creditBalance(account, _indexOfToken(token));
    }

    /// @inheritdoc IFeeVault
    function earningsOf(uint32 operatorId, address token) external view returns (uint256) {
        return _earningsBalance(operatorId, _indexOfToken(token));
    }

    /// @inheritdoc IFeeVault
    function sharesOf(bytes32 modelId, address token) external view returns (uint256 royalties, uint256 protocolShare) {
        ModelShares shares = _sharesBalance(modelId, _indexOfToken(token));
        return (shares.royalty(), shares.protocol());
    }

    /// @inheritdoc IFeeVault
    function tokenAt(uint8 tokenIndex) public view returns (Token memory) {
        if (tokenIndex >= _tokens.length) revert TokenIndexUnknown(tokenIndex);
        return _tokens[tokenIndex];
    }

    /// @inheritdoc IFeeVault
    function tokenCount() external view returns (uint256) {
        return _tokens.length;
    }

    // Internals

    function _ownerOfOperator(uint32 operatorId) internal view virtual returns (address);

    function _publisherOfModel(bytes32 modelId) internal view virtual returns (address);

    /// @dev Takes native payment for `account`: the attached value first, then its credit; an excess becomes credit.
    function _collectNative(address account, uint256 needed) internal {
        if (msg.value > needed) _addNativeCredit(account, msg.value - needed);
        else if (msg.value < needed) _requireCredit(account, NATIVE, needed - msg.value);
    }

    /// @dev Takes token payment from `account`: its credit first, then its allowance.
    function _collectToken(address account, uint8 tokenIndex, uint256 needed) internal nonReentrant {
        Token memory token = tokenAt(tokenIndex);
        if (!token.accepted) revert TokenNotAccepted(token.addr);
        uint256 credit = _creditBalance(account, tokenIndex);
        uint256 fromCredit = credit < needed ? credit : needed;
        _takeCredit(account, tokenIndex, fromCredit);
        if (fromCredit < needed) _pullToken(token.addr, account, needed - fromCredit);
    }

    /// @dev Turns tokens of the caller into credit.
    function _depositToken(address token, address account, uint256 amount) internal nonReentrant {
        uint8 tokenIndex = _indexOfAcceptedToken(token);
        _pullToken(token, msg.sender, amount);
        _creditDeposit(account, tokenIndex, token, amount);
    }

    function _creditDeposit(address account, uint8 tokenIndex, address token, uint256 amount) internal {
        _addCredit(account, tokenIndex, amount);
        emit Deposited(account, token, amount);
    }

    function _requireCredit(address account, uint8 tokenIndex, uint256 amount) private {
        if (_takeCredit(account, tokenIndex, amount)) return;
        revert CreditTooLow(account, _tokens[tokenIndex].addr, _creditBalance(account, tokenIndex), amount);
    }

    function _pullToken(address token, address from, uint256 amount) private {
        uint256 before = SafeTransferLib.balanceOf(token, address(this));
        SafeTransferLib.safeTransferFrom(token, from, address(this), amount);
        _requireReceived(token, before, amount);
    }

    /// @dev Exactly `amount` must arrive: a token that takes a fee on the way would leave somebody's credit uncovered.
    function _requireReceived(address token, uint256 balanceBefore, uint256 amount) internal view {
        uint256 received = SafeTransferLib.balanceOf(token, address(this)) - balanceBefore;
        if (received != amount) revert TokenAmountMismatch(token, amount, received);
    }

    function _send(address token, address to, uint256 amount) private {
        if (amount == 0) return;
        if (token == address(0)) SafeTransferLib.safeTransferETH(to, amount);
        else SafeTransferLib.safeTransfer(token, to, amount);
    }

    /// @dev A token that deposits may come in: listed, accepted and not the native coin.
    function _indexOfAcceptedToken(address token) internal view returns (uint8 tokenIndex) {
        tokenIndex = _indexOfToken(token);
        if (tokenIndex == NATIVE) revert TokenNotListed(token);
        if (!_tokens[tokenIndex].accepted) revert TokenNotAccepted(token);
    }

    function _indexOfToken(address token) internal view returns (uint8 tokenIndex) {
        tokenIndex = _indexOf[token];
        if (tokenIndex == 0 && token != address(0)) revert TokenNotListed(token);
    }
}
