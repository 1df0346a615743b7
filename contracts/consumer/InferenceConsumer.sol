// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IFeeVault} from "../interfaces/IFeeVault.sol";
import {IInferenceCallback} from "../interfaces/IInferenceCallback.sol";
import {IInferenceOracle} from "../interfaces/IInferenceOracle.sol";
import {InferenceSettings} from "../types/InferenceSettings.sol";
import {Policy} from "../types/Policy.sol";
import {RequestParams} from "../types/RequestParams.sol";

/// @title InferenceConsumer
/// @notice What a contract inherits to ask for inference: call `_infer`, override `_onResult`.
/// @dev A request costs what `inferenceCost` says; the gas that its settlement did not need comes back as this contract's
/// credit at the oracle, which pays for later requests or is taken out with `_withdrawCredit`.
abstract contract InferenceConsumer is IInferenceCallback {
    error OnlyOracle(address caller);
    /// @notice The address is no oracle's on this chain: nothing is there, or another contract.
    error NoOracle(address oracle, uint256 chainId);

    /// @notice The only contract that may call back.
    IInferenceOracle public immutable oracle;

    // The settings, one immutable each, because reading them then costs nothing.
    uint8 private immutable _committeeSize;
    uint8 private immutable _quorum;
    uint32 private immutable _challengeWindow;
    uint32 private immutable _callbackGasLimit;
    uint32 private immutable _lifetimeSeconds;
    uint64 private immutable _maxGasPrice;
    uint96 private immutable _maxFee;

    modifier onlyOracle() {
        if (msg.sender != address(oracle)) revert OnlyOracle(msg.sender);
        _;
    }

    /// @dev A wrong address, or one of another chain, would be found out with the first payment otherwise.
    constructor(IInferenceOracle oracle_, InferenceSettings memory settings) {
        (bool answered, bytes memory status) = address(oracle_).staticcall(abi.encodeCall(oracle_.status, (0)));
        if (!answered || status.length != 32) revert NoOracle(address(oracle_), block.chainid);
        oracle = oracle_;
        _committeeSize = settings.policy.committeeSize;
        _quorum = settings.policy.quorum;
        _challengeWindow = settings.policy.challengeWindow;
        _callbackGasLimit = settings.callbackGasLimit;
        _lifetimeSeconds = settings.lifetimeSeconds;
        _maxGasPrice = settings.maxGasPrice;
        _maxFee = settings.maxFee;
    }

    /// @notice How this contract asks.
    function inferenceSettings() public view returns (InferenceSettings memory) {
        return InferenceSettings({
            policy: Policy({committeeSize: _committeeSize, quorum: _quorum, challengeWindow: _challengeWindow}),
            callbackGasLimit: _callbackGasLimit,
            lifetimeSeconds: _lifetimeSeconds,
            maxGasPrice: _maxGasPrice,
            maxFee: _maxFee
        });
    }

    /// @notice Wei to attach to a request with this contract's settings.
    /// @param inputSize Length in bytes of the encoded input.
    function inferenceCost(bytes32 modelId, uint256 inputSize) public view returns (uint256) {
        InferenceSettings memory settings = inferenceSettings();
        return
            oracle.quote(modelId, inputSize, settings.policy, settings.callbackGasLimit, settings.maxGasPrice)
            .nativeTotal;
    }

    /// @inheritdoc IInferenceCallback
    function onInference(bytes32 requestId, bytes calldata output) external onlyOracle {
        _onResult(requestId, output);
    }

    /// @inheritdoc IInferenceCallback
    function onExpired(bytes32 requestId, uint256 feeRefunded, uint256 gasReserveRefunded) external onlyOracle {
        _onExpired(requestId, feeRefunded, gasReserveRefunded);
    }

    /// @notice Asks with this contract's settings and pays with what the caller attached; what is missing is taken from
    /// this contract's credit.
    /// @dev In a callback nothing is attached, so a request made there is paid with credit alone. Use this at most once in
    /// a call: `msg.value` stays the same when it has been spent.
    /// @param input `abi.encode` of what the model's codec says.
    function _infer(bytes32 modelId, bytes memory input) internal returns (bytes32 requestId) {
        return _infer(modelId, input, msg.value);
    }

    /// @notice Asks with this contract's settings.
    /// @param input `abi.encode` of what the model's codec says.
    /// @param valueWei Wei to attach, usually `msg.value`; what is missing is taken from this contract's credit.
    function _infer(bytes32 modelId, bytes memory input, uint256 valueWei) internal returns (bytes32 requestId) {
        // Like the other `_infer` with `inferenceSettings()`, less a copy of them.
        return oracle.request{value: valueWei}(
            RequestParams({
                modelId: modelId,
                input: input,
                policy: Policy({committeeSize: _committeeSize, quorum: _quorum, challengeWindow: _challengeWindow}),
                callbackGasLimit: _callbackGasLimit,
                deadline: uint40(block.timestamp + _lifetimeSeconds),
                maxGasPrice: _maxGasPrice,
                maxFee: _maxFee
            })
        );
    }

    /// @notice Asks with settings of its own.
    function _infer(bytes32 modelId, bytes memory input, uint256 valueWei, InferenceSettings memory settings)
        internal
        returns (bytes32 requestId)
    {
        return oracle.request{value: valueWei}(
            RequestParams({
                modelId: modelId,
                input: input,
                policy: settings.policy,
                callbackGasLimit: settings.callbackGasLimit,
                deadline: uint40(block.timestamp + settings.lifetimeSeconds),
                maxGasPrice: settings.maxGasPrice,
                maxFee: settings.maxFee
            })
        );
    }

    /// @notice Takes this contract's native credit out of the oracle.
    /// @dev A contract that sends it to itself needs a `receive` function.
    function _withdrawCredit(address to, uint256 amount) internal {
        IFeeVault(address(oracle)).withdrawCredit(address(0), to, amount);
    }

    /// @notice Gets the agreed output. If it reverts or runs out of its gas, anybody may have it delivered again.
    function _onResult(bytes32 requestId, bytes calldata output) internal virtual;

    /// @notice Learns that nobody answered in time. The payment is back as this contract's credit already.
    /// @dev Has 150,000 gas; if it fails, the refund stays where it is, and this is not called again.
    function _onExpired(bytes32 requestId, uint256 feeRefunded, uint256 gasReserveRefunded) internal virtual {}
}
