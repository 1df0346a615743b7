// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

import {IOperatorRegistry} from "../interfaces/IOperatorRegistry.sol";
import {Attestations} from "../libraries/Attestations.sol";
import {Offence} from "../types/Offence.sol";
import {Request} from "../types/Request.sol";
import {SignedOutput} from "../types/SignedOutput.sol";
import {OperatorStake} from "./OperatorStake.sol";

/// @title How operators lose stake
/// @notice Equivocation, which two signatures prove, takes everything. Judges take a bounded part.
/// @dev Stake that is leaving is taken in the same proportion as stake that stays, so leaving saves nothing.
abstract contract OperatorSlashing is OperatorStake {
    uint256 private constant BPS = 10_000;

    mapping(address reporter => uint256) private _rewards;

    /// @inheritdoc IOperatorRegistry
    function slashEquivocation(
        address oracle,
        bytes32 requestId,
        uint32 viewNumber,
        SignedOutput calldata first,
        SignedOutput calldata second
    ) external returns (uint256 amount) {
        return _slashSigner(oracle, requestId, viewNumber, first, viewNumber, second);
    }

    /// @inheritdoc IOperatorRegistry
    function slashCrossViewEquivocation(
        address oracle,
        Request calldata request,
        uint32 firstView,
        SignedOutput calldata first,
        uint32 secondView,
        SignedOutput calldata second
    ) external returns (uint256 amount) {
        if (!models.profileOf(request.modelId).isExact()) {
            revert ModelNotExact(request.modelId);
        }
        return _slashSigner(oracle, request.idOf(), firstView, first, secondView, second);
    }

    /// @inheritdoc IOperatorRegistry
    function punish(uint32 operatorId, Offence offence, address reporter)
        external
        returns (uint256 amount, uint256 reward)
    {
        if (!isTrustedJudge[msg.sender]) revert JudgeNotTrusted(msg.sender);
        Operator storage operator = _operators[operatorId];
        if (operator.owner == address(0)) revert UnknownOperator(operatorId);
        // Not a revert: a verdict over several operators must not fail because one of them was slashed meanwhile.
        if (operator.slashed) return (0, 0);

        uint256 bps = offence == Offence.MissedOpening ? _parameters.missedOpeningBps : _parameters.overturnedBps;
        uint96 fromStake = uint96(operator.stake * bps / BPS);
        uint96 fromUnbonding = uint96(operator.unbonding * bps / BPS);
        operator.stake -= fromStake;
        operator.unbonding -= fromUnbonding;
        amount = uint256(fromStake) + fromUnbonding;
        reward = _share(amount, reporter);

        uint256 until = block.timestamp + _parameters.jailSeconds;
        // A term that an earlier, longer parameter gave is not cut short by a second offence.
        if (until > operator.jailedUntil) operator.jailedUntil = uint40(until);
        _vacateSeats(operatorId, operator);
        emit StakeChanged(operatorId, operator.stake);
        emit OperatorPunished(operatorId, msg.sender, reporter, offence, amount, reward, operator.jailedUntil);
    }

    /// @inheritdoc IOperatorRegistry
    function withdrawRewards(address to) external returns (uint256 amount) {
        amount = _rewards[msg.sender];
        if (amount == 0) revert NoRewards(msg.sender);
        _rewards[msg.sender] = 0;
        emit RewardsWithdrawn(msg.sender, to, amount);
        SafeTransferLib.safeTransferETH(to, amount);
    }

    /// @inheritdoc IOperatorRegistry
    function rewardsOf(address reporter) external view returns (uint256) {
        return _rewards[reporter];
    }

    /// @dev Takes all that the one operator behind two signatures has, for ever. The caller is the reporter.
    function _slashSigner(
        address oracle,
        bytes32 requestId,
        uint32 firstView,
        SignedOutput calldata first,
        uint32 secondView,
        SignedOutput calldata second
    ) private returns (uint256 amount) {
        if (!isTrustedOracle[oracle]) revert OracleNotTrusted(oracle);
        if (first.outputHash == second.outputHash) revert SameOutput(first.outputHash);
        bytes32 separator = Attestations.domainSeparator(oracle);
        uint32 operatorId = _signerOf(separator, requestId, firstView, first);
        uint32 otherId = _signerOf(separator, requestId, secondView, second);
        if (operatorId == 0 || operatorId != otherId) revert SignersDiffer(operatorId, otherId);
        return _slash(operatorId, requestId);
    }

    function _slash(uint32 operatorId, bytes32 requestId) private returns (uint256 amount) {
        Operator storage operator = _operators[operatorId];
        if (operator.slashed) revert OperatorSlashed(operatorId);
        amount = uint256(operator.stake) + operator.unbonding;
        uint256 reward = _share(amount, msg.sender);
        operator.slashed = true;
        operator.stake = 0;
        operator.unbonding = 0;
        _vacateSeats(operatorId, operator);
        emit StakeChanged(operatorId, 0);
        emit EquivocationSlashed(operatorId, requestId, msg.sender, amount, reward);
    }

    /// @dev Divides what was taken between its reporter and the slashed funds; all of it is the latter's without a reporter.
    function _share(uint256 amount, address reporter) private returns (uint256 reward) {
        if (reporter != address(0)) reward = amount * _parameters.reporterBps / BPS;
        _rewards[reporter] += reward;
        slashedFunds += amount - reward;
    }

    function _signerOf(bytes32 separator, bytes32 requestId, uint32 viewNumber, SignedOutput calldata signed)
        private
        view
        returns (uint32)
    {
        bytes32 structHash = Attestations.structHash(requestId, signed.outputHash, viewNumber);
        return
            _operatorOfAttester[Attestations.recover(Attestations.digest(separator, structHash), signed.r, signed.vs)];
    }
}
