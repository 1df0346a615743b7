// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IInferenceCallback} from "../interfaces/IInferenceCallback.sol";
import {IInferenceOracle} from "../interfaces/IInferenceOracle.sol";
import {Attestation} from "../types/Attestation.sol";
import {Policy} from "../types/Policy.sol";
import {Quote} from "../types/Quote.sol";
import {Request} from "../types/Request.sol";
import {RequestFundsLib} from "../types/RequestFunds.sol";
import {RequestOpeningLib} from "../types/RequestOpening.sol";
import {RequestParams} from "../types/RequestParams.sol";
import {RequestSlot, RequestSlotLib} from "../types/RequestSlot.sol";
import {RequestStatus} from "../types/RequestStatus.sol";
import {RequestTermsLib} from "../types/RequestTerms.sol";
import {Settlement} from "../types/Settlement.sol";

/// @title MockInferenceOracle
/// @notice Stands in for the oracle in a consumer's own tests: requests are real, and the test gives the answers.
/// @dev Same requests, events, callbacks, gas limits and credit as the oracle. No operators, no signatures, no models:
/// any model costs `fee`, and `settle` believes whoever calls it. Never deploy it where something depends on an answer.
contract MockInferenceOracle is IInferenceOracle {
    /// @notice Credit was added.
    event Deposited(address indexed account, address indexed token, uint256 amount);
    /// @notice Credit was paid out.
    event CreditWithdrawn(address indexed account, address indexed token, address to, uint256 amount);

    error CreditTooLow(address account, address token, uint256 credit, uint256 needed);
    error UnknownRequest(bytes32 requestId);
    error TransferFailed(address to, uint256 amount);

    /// @notice Fee of each request, in wei.
    uint256 public fee;

    /// @notice The request that was opened last.
    bytes32 public lastRequestId;

    mapping(bytes32 requestId => Request) private _requests;
    mapping(bytes32 requestId => bytes) private _inputs;
    mapping(bytes32 requestId => RequestSlot) private _slots;
    mapping(address account => uint256) private _credit;

    // What a test does

    /// @notice Sets what every request costs from now on, in wei.
    function setFee(uint256 fee_) external {
        fee = fee_;
    }

    /// @notice Settles a request with `output`, as a quorum would. All of the gas reserve comes back as credit.
    /// @return delivered Whether the consumer's callback succeeded.
    function answer(bytes32 requestId, bytes calldata output) external returns (bool delivered) {
        return _answer(_openRequest(requestId), requestId, output, type(uint256).max);
    }

    /// @notice Settles a request with `output` and lets its callback run out of gas, so that it needs `redeliver`.
    function failCallback(bytes32 requestId, bytes calldata output) external {
        _answer(_openRequest(requestId), requestId, output, 0);
    }

    /// @notice Closes a request as if its deadline had passed, and refunds it.
    function expire(bytes32 requestId) public {
        Request memory opened = _openRequest(requestId);
        uint256 feeRefunded = opened.funds.fee();
        uint256 gasReserve = opened.funds.gasReserve();
        _slots[requestId] = RequestSlotLib.NONE;
        _credit[opened.terms.consumer()] += feeRefunded + gasReserve;
        emit RequestExpired(requestId, opened.funds);
        bytes memory call = abi.encodeCall(IInferenceCallback.onExpired, (requestId, feeRefunded, gasReserve));
        (bool told, bytes memory reason) = opened.terms.consumer().call{gas: 150_000}(call);
        if (!told) emit ExpiryCallbackFailed(requestId, reason);
    }

    /// @notice Calls back again after a callback that failed.
    function redeliver(bytes32 requestId, bytes calldata output) public {
        RequestSlot slot = _slots[requestId];
        if (slot.status() != RequestStatus.CallbackFailed) revert NothingToRedeliver(requestId, slot.status());
        if (!slot.isAnswer(keccak256(output))) revert WrongOutput(requestId, keccak256(output));
        _slots[requestId] = RequestSlotLib.answered(keccak256(output), RequestStatus.Settled);
        emit Redelivered(requestId);
        (bool delivered, bytes memory reason) = _call(_requests[requestId], requestId, output, gasleft());
        if (!delivered) revert RedeliveryFailed(requestId, reason);
    }

    /// @notice The request as it was logged.
    function requestOf(bytes32 requestId) external view returns (Request memory) {
        return _requests[requestId];
    }

    /// @notice What the consumer asked.
    function inputOf(bytes32 requestId) external view returns (bytes memory) {
        return _inputs[requestId];
    }

    // What a consumer does

    /// @inheritdoc IInferenceOracle
    function request(RequestParams calldata params) external payable returns (bytes32 requestId) {
        requestId = _open(params);
        _collect(_total(params));
    }

    /// @inheritdoc IInferenceOracle
    function requestBatch(RequestParams[] calldata params) external payable returns (bytes32[] memory requestIds) {
        requestIds = new bytes32[](params.length);
        uint256 sum;
        for (uint256 i = 0; i < params.length; ++i) {
            requestIds[i] = _open(params[i]);
            sum += _total(params[i]);
        }
        _collect(sum);
    }

    /// @notice Adds the attached value to an account's credit.
    function deposit(address account) external payable {
        _credit[account] += msg.value;
        emit Deposited(account, address(0), msg.value);
    }

    /// @notice Pays the caller's credit out.
    function withdrawCredit(address token, address to, uint256 amount) external {
        _takeCredit(amount);
        emit CreditWithdrawn(msg.sender, token, to, amount);
        (bool sent,) = to.call{value: amount}("");
        if (!sent) revert TransferFailed(to, amount);
    }

    /// @notice An account's credit, in wei.
    function creditOf(address account, address) external view returns (uint256) {
        return _credit[account];
    }

    // The oracle's other entries

    /// @inheritdoc IInferenceOracle
    function settle(Request calldata request_, bytes calldata output, uint32, Attestation[] calldata) public {
        bytes32 requestId = request_.idOf();
        _answer(_openRequest(requestId), requestId, output, type(uint256).max);
    }

    /// @inheritdoc IInferenceOracle
    function settleBatch(Settlement[] calldata items) external returns (bytes4[] memory results) {
        results = new bytes4[](items.length);
        for (uint256 i = 0; i < items.length; ++i) {
            settle(items[i].request, items[i].output, items[i].viewNumber, items[i].attestations);
        }
    }

    /// @inheritdoc IInferenceOracle
    function expire(Request calldata request_) external {
        expire(request_.idOf());
    }

    /// @inheritdoc IInferenceOracle
    function redeliver(Request calldata request_, bytes calldata output) external {
        redeliver(request_.idOf(), output);
    }

    /// @inheritdoc IInferenceOracle
    function quote(bytes32, uint256, Policy calldata policy, uint32 callbackGasLimit, uint64 maxGasPrice)
        external
        view
        returns (Quote memory q)
    {
        q.executions = fee;
        q.fee = fee;
        q.gasReserve = _reserve(policy.quorum, callbackGasLimit, maxGasPrice);
        q.nativeTotal = q.fee + q.gasReserve;
    }

    /// @inheritdoc IInferenceOracle
    function status(bytes32 requestId) external view returns (RequestStatus) {
        return _slots[requestId].status();
    }

    /// @inheritdoc IInferenceOracle
    function verifyOutput(bytes32 requestId, bytes calldata output) external view returns (bool) {
        return _slots[requestId].isAnswer(keccak256(output));
    }

    // Internals

    function _open(RequestParams calldata params) private returns (bytes32 requestId) {
        if (fee > params.maxFee) revert FeeAboveMaximum(fee, params.maxFee);
        Request memory opened = Request({
            modelId: params.modelId,
            inputHash: keccak256(params.input),
            terms: RequestTermsLib.pack(
                msg.sender,
                params.deadline,
                params.callbackGasLimit,
                params.policy.committeeSize,
                params.policy.quorum,
                0
            ),
            opening: RequestOpeningLib.pack(1, 1, 10_000, 0, 0, 0)
                .withChallenge(uint24(params.policy.challengeWindow), 0),
            funds: RequestFundsLib.pack(
                uint96(fee),
                uint96(_reserve(params.policy.quorum, params.callbackGasLimit, params.maxGasPrice)),
                params.maxGasPrice
            )
        });
        requestId = opened.id();
        while (!_slots[requestId].equals(RequestSlotLib.NONE)) {
            opened.terms = opened.terms.withNextSalt();
            requestId = opened.id();
        }
        _slots[requestId] = RequestSlotLib.OPEN;
        _requests[requestId] = opened;
        _inputs[requestId] = params.input;
        lastRequestId = requestId;
        emit RequestOpened(requestId, params.modelId, msg.sender, opened, params.input);
    }

    function _total(RequestParams calldata params) private view returns (uint256) {
        return fee + _reserve(params.policy.quorum, params.callbackGasLimit, params.maxGasPrice);
    }

    function _collect(uint256 needed) private {
        if (msg.value > needed) _credit[msg.sender] += msg.value - needed;
        else _takeCredit(needed - msg.value);
    }

    function _takeCredit(uint256 amount) private {
        uint256 credit = _credit[msg.sender];
        if (credit < amount) revert CreditTooLow(msg.sender, address(0), credit, amount);
        _credit[msg.sender] = credit - amount;
    }

    function _openRequest(bytes32 requestId) private view returns (Request memory opened) {
        opened = _requests[requestId];
        if (opened.modelId == 0 && opened.inputHash == 0) revert UnknownRequest(requestId);
        RequestStatus current = _slots[requestId].status();
        if (current != RequestStatus.Open) revert RequestNotOpen(requestId, current);
    }

    function _answer(Request memory opened, bytes32 requestId, bytes calldata output, uint256 gasCap)
        private
        returns (bool delivered)
    {
        bytes32 outputHash = keccak256(output);
        _slots[requestId] = RequestSlotLib.answered(outputHash, RequestStatus.Settled);
        uint256 gasLimit = opened.terms.callbackGasLimit();
        bytes memory reason;
        (delivered, reason) = _call(opened, requestId, output, gasLimit < gasCap ? gasLimit : gasCap);
        if (!delivered) _slots[requestId] = RequestSlotLib.answered(outputHash, RequestStatus.CallbackFailed);
        _credit[opened.terms.consumer()] += opened.funds.gasReserve();
        emit RequestSettled(requestId, 0, 0, output);
        if (!delivered) emit CallbackFailed(requestId, reason);
    }

    function _call(Request memory opened, bytes32 requestId, bytes calldata output, uint256 gasLimit)
        private
        returns (bool, bytes memory)
    {
        bytes memory call = abi.encodeCall(IInferenceCallback.onInference, (requestId, output));
        return opened.terms.consumer().call{gas: gasLimit}(call);
    }

    /// @dev Like the oracle's, in rough figures: a test that depends on the wei should ask `quote`.
    function _reserve(uint256 quorum, uint256 callbackGasLimit, uint256 maxGasPrice) private pure returns (uint256) {
        return (125_000 + 34_000 * quorum + callbackGasLimit) * maxGasPrice;
    }
}
