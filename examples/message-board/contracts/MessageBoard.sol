// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {InferenceConsumer} from "@sibyl/contracts/consumer/InferenceConsumer.sol";
import {RefundingConsumer} from "@sibyl/contracts/consumer/RefundingConsumer.sol";
import {IInferenceOracle} from "@sibyl/contracts/interfaces/IInferenceOracle.sol";
import {ClassificationCodec} from "@sibyl/contracts/libraries/codecs/ClassificationCodec.sol";
import {InferenceSettings} from "@sibyl/contracts/types/InferenceSettings.sol";

/// @notice A message board that asks a model whether a post is spam
contract MessageBoard is RefundingConsumer {
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
        requestId = _inferForSender(spamModel, abi.encode(text));
        posts[requestId] = Post(msg.sender, PostStatus.Pending, 0, text);
        emit Posted(requestId, msg.sender, text);
    }

    function _onResult(bytes32 requestId, bytes calldata output) internal override {
        (uint32 label, uint256 confidenceWad) = ClassificationCodec.decode(output);
        PostStatus status = label == SPAM ? PostStatus.Held : PostStatus.Published;
        posts[requestId].status = status;
        posts[requestId].confidenceWad = uint64(confidenceWad);
        emit Judged(requestId, status, confidenceWad);
    }

    function _onExpired(bytes32 requestId, uint256 feeRefunded, uint256 gasReserveRefunded) internal override {
        posts[requestId].status = PostStatus.Expired;
        super._onExpired(requestId, feeRefunded, gasReserveRefunded);
    }
}
