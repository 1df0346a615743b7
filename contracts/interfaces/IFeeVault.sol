// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Token} from "../types/Token.sol";

/// @notice Custody: prepaid credit, earnings, royalties; every payment is pulled
/// @dev A token is named by its address; the zero address is the chain's native coin.
interface IFeeVault {
    /// @notice Credit was added, in units of the token; the zero address is the native coin.
    event Deposited(address indexed account, address indexed token, uint256 amount);
    /// @notice Wei were split evenly among operators, what does not divide to the first.
    /// @param signers Their ids, as in `RequestSettled`.
    event EarningsSplit(uint256 signers, uint256 amount);
    /// @notice Credit was paid out.
    event CreditWithdrawn(address indexed account, address indexed token, address to, uint256 amount);
    /// @notice An operator's earnings were paid out.
    event EarningsWithdrawn(uint32 indexed operatorId, address indexed token, address to, uint256 amount);
    /// @notice A model's royalties were paid out.
    event RoyaltiesWithdrawn(bytes32 indexed modelId, address indexed token, address to, uint256 amount);
    /// @notice The protocol's share of a model's fees was paid out.
    event ProtocolShareWithdrawn(bytes32 indexed modelId, address indexed token, address to, uint256 amount);
    /// @notice A token got an index, for ever.
    event TokenListed(uint8 indexed tokenIndex, address indexed token);
    /// @notice A listed token is accepted for new payments, or no more.
    event TokenAcceptanceChanged(uint8 indexed tokenIndex, bool accepted);

    error TokenNotListed(address token);
    error TokenAlreadyListed(address token, uint8 tokenIndex);
    error TokenListFull();
    error TokenIndexUnknown(uint8 tokenIndex);
    /// @notice The token takes no new requests and deposits.
    error TokenNotAccepted(address token);
    /// @notice What arrived is not what was sent: the token takes a fee or lies.
    error TokenAmountMismatch(address token, uint256 sent, uint256 received);
    /// @notice The word names no operator in its first place.
    error NobodyToPay();
    error CreditTooLow(address account, address token, uint256 credit, uint256 needed);
    error NotOperatorOwner(uint32 operatorId, address owner, address caller);
    error NotModelPublisher(bytes32 modelId, address publisher, address caller);

    /// @notice Adds native credit that `account`'s requests may spend.
    function deposit(address account) external payable;

    /// @notice Adds token credit that `account`'s requests may spend.
    function depositToken(address token, address account, uint256 amount) external;

    /// @notice Splits the attached value evenly among operators, as earnings in the native coin.
    /// @dev Warning: the ids are taken as they are, up to the first empty place; what an id gets that nobody has is lost.
    /// @param signers Operator ids, eight of 32 bits, the first one highest.
    function splitEarnings(uint256 signers) external payable;

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

    /// @notice An account's credit, in units of the token.
    function creditOf(address account, address token) external view returns (uint256);

    /// @notice An operator's earnings, in units of the token.
    function earningsOf(uint32 operatorId, address token) external view returns (uint256);

    /// @notice What a model's fees brought its publisher and the protocol, and nobody withdrew yet.
    function sharesOf(bytes32 modelId, address token) external view returns (uint256 royalties, uint256 protocolShare);

    /// @notice The token at an index; index 0 is the chain's native coin.
    function tokenAt(uint8 tokenIndex) external view returns (Token memory);

    /// @notice How many tokens are listed, the native coin included.
    function tokenCount() external view returns (uint256);
}
