// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IInferenceOracle} from "../interfaces/IInferenceOracle.sol";
import {InferenceSettings} from "../types/InferenceSettings.sol";
import {InferenceConsumer} from "./InferenceConsumer.sol";

/// @title RefundingConsumer
/// @notice A consumer of one model whose users pay for their own requests, and get back what nobody answered for.
/// @dev Call `_inferForSender` instead of `_infer`. A refund leaves the contract's credit at once, so that no later request
/// can spend it. What settlements did not need stays as the contract's credit and pays for later requests.
abstract contract RefundingConsumer is InferenceConsumer {
    /// @notice The coin did not reach the one it was owed to.
    error RefundFailed(address payer, uint256 amount);

    /// @dev One slot: who paid for a request, and how much.
    struct Payment {
        address payer;
        uint96 paidWei;
    }

    /// @notice The model that this contract asks. It is named for good: whoever could replace it would give the answers.
    bytes32 public immutable model;

    /// @notice Wei that an account can claim.
    mapping(address payer => uint256) public refundWei;

    mapping(bytes32 requestId => Payment) private _payments;

    constructor(IInferenceOracle oracle_, bytes32 model_, InferenceSettings memory settings)
        InferenceConsumer(oracle_, settings)
    {
        model = model_;
    }

    /// @notice Takes refunds, which come from the oracle.
    receive() external payable onlyOracle {}

    /// @notice Pays the caller what it is owed for requests that nobody answered in time.
    function claimRefund() external {
        uint256 amount = refundWei[msg.sender];
        refundWei[msg.sender] = 0;
        (bool sent,) = msg.sender.call{value: amount}("");
        if (!sent) revert RefundFailed(msg.sender, amount);
    }

    /// @notice Wei to attach to a request about an input of this many bytes, encoded.
    function inferenceCost(uint256 inputSize) public view returns (uint256) {
        return inferenceCost(model, inputSize);
    }

    /// @notice Asks this contract's model with its settings and what the caller attached, which is the caller's again if
    /// nobody answers.
    /// @param input `abi.encode` of what the model's codec says.
    function _inferForSender(bytes memory input) internal returns (bytes32 requestId) {
        return _inferForSender(model, input);
    }

    /// @notice The same, of another model.
    function _inferForSender(bytes32 modelId, bytes memory input) internal returns (bytes32 requestId) {
        requestId = _infer(modelId, input);
        // No chain has 2^96 wei to attach.
        _payments[requestId] = Payment(msg.sender, uint96(msg.value));
    }

    /// @notice Sets aside what whoever paid can claim now.
    /// @dev Whoever overrides this calls it.
    function _onExpired(bytes32 requestId, uint256 feeRefunded, uint256 gasReserveRefunded) internal virtual override {
        Payment memory payment = _payments[requestId];
        delete _payments[requestId];
        // Part of the request may have been paid with the contract's credit, which is nobody's refund.
        uint256 refund = feeRefunded + gasReserveRefunded;
        if (refund > payment.paidWei) refund = payment.paidWei;
        refundWei[payment.payer] += refund;
        _withdrawCredit(address(this), refund);
    }
}
