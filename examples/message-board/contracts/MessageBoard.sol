// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {RefundingConsumer} from "@sibyl/contracts/consumer/RefundingConsumer.sol";
import {IInferenceOracle} from "@sibyl/contracts/interfaces/IInferenceOracle.sol";
import {ClassificationCodec} from "@sibyl/contracts/libraries/codecs/ClassificationCodec.sol";
import {InferenceSettings} from "@sibyl/contracts/types/InferenceSettings.sol";

/// @notice A message board that publishes a post once a model has judged that it is no spam
contract MessageBoard is RefundingConsumer {
    /// @notice A post waits for the model.
    event Posted(bytes32 indexed requestId, address indexed author, string text);
    /// @notice The model judged a post, and is this sure of it.
    event Judged(bytes32 indexed requestId, bool published, uint256 confidenceWad);

    error PostTooLong(uint256 length, uint256 maximum);

    /// @notice Longest post, in bytes of UTF-8.
    uint256 public constant MAX_POST_BYTES = 4096;
    /// @notice The label of spam: its index in the manifest.
    uint32 public constant SPAM = 1;

    /// @notice Whether a post may be shown, by the request about it. Its text is in the event `Posted`.
    mapping(bytes32 requestId => bool) public isPublished;

    constructor(IInferenceOracle oracle_, bytes32 spamModel, InferenceSettings memory settings)
        RefundingConsumer(oracle_, spamModel, settings)
    {}

    /// @notice Wei to attach to a post.
    function postFee(string calldata text) external view returns (uint256) {
        return inferenceCost(abi.encode(text).length);
    }

    /// @notice Publishes `text` if the model takes it for no spam; attach `postFee(text)`. If nobody answers in time, the
    /// payment is the author's to claim with `claimRefund`.
    function post(string calldata text) external payable returns (bytes32 requestId) {
        if (bytes(text).length > MAX_POST_BYTES) revert PostTooLong(bytes(text).length, MAX_POST_BYTES);
        requestId = _inferForSender(abi.encode(text));
        emit Posted(requestId, msg.sender, text);
    }

    function _onResult(bytes32 requestId, bytes calldata output) internal override {
        (uint32 label, uint256 confidenceWad) = ClassificationCodec.decode(output);
        isPublished[requestId] = label != SPAM;
        emit Judged(requestId, label != SPAM, confidenceWad);
    }
}
