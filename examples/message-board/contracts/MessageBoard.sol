// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {InferenceConsumer} from "@sibyl/contracts/consumer/InferenceConsumer.sol";
import {IInferenceOracle} from "@sibyl/contracts/interfaces/IInferenceOracle.sol";
import {ClassificationCodec} from "@sibyl/contracts/libraries/codecs/ClassificationCodec.sol";
import {InferenceSettings} from "@sibyl/contracts/types/InferenceSettings.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

/// @notice A message board that asks a model whether a post is spam
/// @dev Gas that settlements did not need, and what authors overpay, stays as the board's credit: it pays for later posts.
contract MessageBoard is InferenceConsumer {
    enum PostStatus {
        None,
        Pending,
        Published,
        Held,
        Expired
    }

    struct Post {
        address author;
        PostStatus status;
        uint64 confidenceWad;
        uint256 paidWei;
        string text;
    }

    /// @notice A post waits for the model.
    event Posted(bytes32 indexed requestId, address indexed author, string text);
    /// @notice The model judged a post.
    event Judged(bytes32 indexed requestId, PostStatus status, uint256 confidenceWad);

    error PostTooLong(uint256 length, uint256 maximum);

    /// @notice Longest post, in bytes of UTF-8.
    uint256 public constant MAX_POST_BYTES = 4096;
    /// @notice The label of spam: its index in the manifest.
    uint32 public constant SPAM = 1;

    /// @notice The model that judges posts.
    bytes32 public immutable spamModel;
    /// @notice Every post, by the request about it.
    mapping(bytes32 requestId => Post) public posts;
    /// @notice Wei that an author can claim.
    mapping(address author => uint256) public refundWei;

    constructor(IInferenceOracle oracle_, bytes32 spamModel_, InferenceSettings memory settings)
        InferenceConsumer(oracle_, settings)
    {
        spamModel = spamModel_;
    }

    /// @notice Wei to attach to a post.
    function postFee(string calldata text) external view returns (uint256) {
        return inferenceCost(spamModel, abi.encode(text).length);
    }

    /// @notice Publishes `text` once the model has judged it; attach `postFee(text)`.
    function post(string calldata text) external payable returns (bytes32 requestId) {
        if (bytes(text).length > MAX_POST_BYTES) revert PostTooLong(bytes(text).length, MAX_POST_BYTES);
        requestId = _infer(spamModel, abi.encode(text));
        posts[requestId] = Post(msg.sender, PostStatus.Pending, 0, msg.value, text);
        emit Posted(requestId, msg.sender, text);
    }

    /// @notice Pays the caller what it is owed for posts that nobody judged in time.
    function claimRefund() external {
        uint256 amount = refundWei[msg.sender];
        refundWei[msg.sender] = 0;
        SafeTransferLib.safeTransferETH(msg.sender, amount);
    }

    /// @notice Takes refunds, which come from the oracle.
    receive() external payable onlyOracle {}

    function _onResult(bytes32 requestId, bytes calldata output) internal override {
        (uint32 label, uint256 confidenceWad) = ClassificationCodec.decode(output);
        PostStatus status = label == SPAM ? PostStatus.Held : PostStatus.Published;
        posts[requestId].status = status;
        posts[requestId].confidenceWad = uint64(confidenceWad);
        emit Judged(requestId, status, confidenceWad);
    }

    function _onExpired(bytes32 requestId, uint256 feeRefunded, uint256 gasReserveRefunded) internal override {
        Post storage expired = posts[requestId];
        expired.status = PostStatus.Expired;
        // Out of the credit, where a later post could spend it.
        uint256 refund = feeRefunded + gasReserveRefunded;
        if (refund > expired.paidWei) refund = expired.paidWei;
        refundWei[expired.author] += refund;
        _withdrawCredit(address(this), refund);
    }
}
