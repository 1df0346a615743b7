// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IInferenceOracle} from "../interfaces/IInferenceOracle.sol";
import {SettlementGas} from "../libraries/SettlementGas.sol";
import {ModelStatus} from "../types/ModelTerms.sol";
import {Policy} from "../types/Policy.sol";
import {Quote} from "../types/Quote.sol";
import {Request} from "../types/Request.sol";
import {RequestFundsLib} from "../types/RequestFunds.sol";
import {RequestOpeningLib} from "../types/RequestOpening.sol";
import {RequestParams} from "../types/RequestParams.sol";
import {RequestStatus} from "../types/RequestStatus.sol";
import {RequestTermsLib} from "../types/RequestTerms.sol";
import {MockFeeVault} from "./MockFeeVault.sol";

/// @title MockRequests
/// @notice The mock oracle's asking side: prices, checks and opens requests like the oracle, and keeps them for tests.
abstract contract MockRequests is IInferenceOracle, MockFeeVault {
    /// @notice Nothing was ever asked under this id.
    error UnknownRequest(bytes32 requestId);

    /// @dev What the mock knows of a request.
    struct Record {
        Request request;
        bytes input;
        RequestStatus status;
        bytes32 outputHash;
        bytes proposed;
        uint256 proposedAt;
        uint256 callbackGas;
        bytes callbackReason;
    }

    // The bounds of a request, as a local network deploys them.
    uint8 private constant MAX_QUORUM = 8;
    uint256 private constant MAX_CALLBACK_GAS = 2_000_000;
    uint256 private constant MAX_INPUT_BYTES = 65_536;
    uint256 private constant MAX_LIFETIME_SECONDS = 1 hours;

    /// @notice Fee of each request, in wei.
    uint256 public fee;

    bytes32[] private _ids;
    mapping(bytes32 requestId => Record) internal _records;

    // What a test does

    /// @notice Sets what every request costs from now on, in wei.
    function setFee(uint256 fee_) external {
        fee = fee_;
    }

    // What a test looks at

    /// @notice How many requests were opened.
    function requestCount() external view returns (uint256) {
        return _ids.length;
    }

    /// @notice The id of a request by its place in the order of opening, from 0.
    function requestIdAt(uint256 place) external view returns (bytes32) {
        return _ids[place];
    }

    /// @notice The request that was opened last.
    function lastRequestId() external view returns (bytes32) {
        return _ids[_ids.length - 1];
    }

    /// @notice The request as it was logged.
    function requestOf(bytes32 requestId) external view returns (Request memory) {
        return _recordOf(requestId).request;
    }

    /// @notice What the consumer asked.
    function inputOf(bytes32 requestId) external view returns (bytes memory) {
        return _recordOf(requestId).input;
    }

    /// @notice Gas that the last call of the consumer for this request used; what `callbackGasLimit` has to cover.
    /// @dev In forge, slots that the same test touched before are cheaper than on chain unless `isolate = true`.
    function callbackGasOf(bytes32 requestId) external view returns (uint256) {
        return _recordOf(requestId).callbackGas;
    }

    /// @notice The first bytes that the last call of the consumer for this request returned or reverted with.
    function callbackReasonOf(bytes32 requestId) external view returns (bytes memory) {
        return _recordOf(requestId).callbackReason;
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

    /// @inheritdoc IInferenceOracle
    function quote(
        bytes32 modelId,
        uint256 inputSize,
        Policy calldata policy,
        uint256 callbackGasLimit,
        uint64 maxGasPrice
    ) external view returns (Quote memory q) {
        uint32 gasLimit = _callbackGas(callbackGasLimit);
        if (inputSize > MAX_INPUT_BYTES) revert InputTooLong(inputSize, MAX_INPUT_BYTES);
        if (modelId == 0) revert ModelNotActive(modelId, ModelStatus.Unknown);
        q.executions = fee;
        q.fee = fee;
        q.gasReserve = _reserve(policy, gasLimit, maxGasPrice);
        q.nativeTotal = q.fee + q.gasReserve;
    }

    // Internals

    function _open(RequestParams calldata params) private returns (bytes32 requestId) {
        _check(params);
        Request memory opened = Request({
            modelId: params.modelId,
            inputHash: keccak256(params.input),
            terms: RequestTermsLib.pack(
                msg.sender,
                params.deadline,
                uint32(params.callbackGasLimit),
                params.policy.committeeSize,
                params.policy.quorum,
                0
            ),
            opening: RequestOpeningLib.pack(1, 1, 10_000, 0, 0, 0)
                .withChallenge(uint24(params.policy.challengeWindow), 0),
            funds: RequestFundsLib.pack(
                uint96(fee),
                uint96(_reserve(params.policy, uint32(params.callbackGasLimit), params.maxGasPrice)),
                params.maxGasPrice
            )
        });
        requestId = opened.id();
        while (_records[requestId].request.inputHash != 0) {
            opened.terms = opened.terms.withNextSalt();
            requestId = opened.id();
        }
        _records[requestId].request = opened;
        _records[requestId].input = params.input;
        _records[requestId].status = RequestStatus.Open;
        _ids.push(requestId);
        emit RequestOpened(requestId, params.modelId, msg.sender, opened, params.input);
    }

    function _check(RequestParams calldata params) private view {
        Policy calldata policy = params.policy;
        if (params.modelId == 0) revert ModelNotActive(params.modelId, ModelStatus.Unknown);
        if (policy.quorum == 0 || policy.quorum > policy.committeeSize || policy.quorum > MAX_QUORUM) {
            revert QuorumOutOfBounds(policy.quorum, policy.committeeSize, MAX_QUORUM);
        }
        if (params.input.length > MAX_INPUT_BYTES) revert InputTooLong(params.input.length, MAX_INPUT_BYTES);
        _callbackGas(params.callbackGasLimit);
        uint256 latest = block.timestamp + MAX_LIFETIME_SECONDS;
        if (params.deadline <= block.timestamp || params.deadline > latest) {
            revert DeadlineOutOfBounds(params.deadline, block.timestamp, latest);
        }
        if (fee > params.maxFee) revert FeeAboveMaximum(fee, params.maxFee);
    }

    /// @dev A callback's gas as a request keeps it: the bound has 32 bits.
    function _callbackGas(uint256 callbackGasLimit) private pure returns (uint32) {
        if (callbackGasLimit > MAX_CALLBACK_GAS) revert CallbackGasTooHigh(callbackGasLimit, MAX_CALLBACK_GAS);
        return uint32(callbackGasLimit);
    }

    function _total(RequestParams calldata params) private view returns (uint256) {
        return fee + _reserve(params.policy, uint32(params.callbackGasLimit), params.maxGasPrice);
    }

    function _recordOf(bytes32 requestId) internal view returns (Record storage record) {
        record = _records[requestId];
        if (record.request.inputHash == 0) revert UnknownRequest(requestId);
    }

    /// @dev In wei, as the oracle reserves it: with a challenge window one transaction proposes and another one finalizes.
    function _reserve(Policy calldata policy, uint32 callbackGasLimit, uint256 maxGasPrice)
        private
        pure
        returns (uint256)
    {
        uint256 gasReserved = SettlementGas.reserve(policy.quorum, callbackGasLimit);
        if (policy.challengeWindow != 0) gasReserved += SettlementGas.RESERVE_FOR_FINALIZING;
        return gasReserved * maxGasPrice;
    }
}
