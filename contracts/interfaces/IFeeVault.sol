// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Token} from "../types/Token.sol";

/// @title Custody: prepaid credit, earnings, royalties; every payment is pulled
/// @dev A token is named by its address; the zero address is the chain's native coin.
interface IFeeVault {
    event Deposited(address indexed account, address indexed token, uint256 amount);
    event CreditWithdrawn(address indexed account, address indexed token, address to, uint256 amount);
    event EarningsWithdrawn(uint32 indexed operatorId, address indexed token, address to, uint256 amount);
    event RoyaltiesWithdrawn(bytes32 indexed modelId, address indexed token, address to, uint256 amount);
    event ProtocolShareWithdrawn(bytes32 indexed modelId, address indexed token, address to, uint256 amount);
    event TokenListed(uint8 indexed tokenIndex, address indexed token);
    event TokenAcceptanceChanged(uint8 indexed tokenIndex, bool accepted);

    error TokenNotListed(address token);
    error TokenAlreadyListed(address token, uint8 tokenIndex);
    error TokenListFull();
    error TokenIndexUnknown(uint8 tokenIndex);
    /// @notice The token takes no new requests and deposits.
    error TokenNotAccepted(address token);
    /// @notice What arrived is not what was sent: the token takes a fee or lies.
    error TokenAmountMismatch(address token, uint256 sent, uint256 received);
    error CreditTooLow(address account, address token, uint256 credit, uint256 needed);
    error NotOperatorOwner(uint32 operatorId, address owner, address caller);
    error NotModelPublisher(bytes32 modelId, address publisher, address caller);

    /// @notice Adds native credit that `account`'s requests may spend.
    function deposit(address account) external payable;

    /// @notice Adds token credit that `account`'s requests may spend.
    function depositToken(address token, address account, uint256 amount) external;

    /// @notice Pays the caller's credit out.
    function withdrawCredit(address token, address to, uint256 amount) external;

    /// @notice Pays an operator's earnings out; only its owner.
    function withdrawEarnings(uint32 operatorId, address token, address to) external returns (uint256 amount);

    /// @notice Pays a model's royalties out; only its publisher.
    function withdrawRoyalties(bytes32 modelId, address token, address to) external returns (uint256 amount);

    /// @notice Pays the protocol's share of a model's fees out; only the owner.
    function withdrawProtocolShare(bytes32 modelId, address token, address to) external returns (uint256 amount);

    /// @notice Lets models be priced in `token`, for ever under the same index; only the owner.
    /// @dev Warning: list no token that rebases, or that can take balances back: credit is counted when it comes in.
    function listToken(address token) external returns (uint8 tokenIndex);

    /// @notice Stops or allows new requests and deposits in a token; only the owner. Open requests are not touched.
    function setTokenAccepted(address token, bool accepted) external;

    function creditOf(address account, address token) external view returns (uint256);

    function earningsOf(uint32 operatorId, address token) external view returns (uint256);

    /// @notice What a model's fees brought its publisher and the protocol, and nobody withdrew yet.
    function sharesOf(bytes32 modelId, address token) external view returns (uint256 royalties, uint256 protocolShare);

    /// @notice The token at an index; index 0 is the chain's native coin.
    function tokenAt(uint8 tokenIndex) external view returns (Token memory);

    function tokenCount() external view returns (uint256);
}
