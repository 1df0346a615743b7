// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

import {IOperatorRegistry} from "../interfaces/IOperatorRegistry.sol";
import {OperatorSeats} from "./OperatorSeats.sol";

/// @title What operators have to lose
/// @notice Adding stake, and taking it out through the unbonding time.
abstract contract OperatorStake is OperatorSeats {
    /// @inheritdoc IOperatorRegistry
    function addStake(uint32 operatorId) external payable {
        Operator storage operator = _operators[operatorId];
        if (operator.owner == address(0)) revert UnknownOperator(operatorId);
        if (operator.slashed) revert OperatorSlashed(operatorId);
        operator.stake += uint96(msg.value);
        emit StakeChanged(operatorId, operator.stake);
    }

    /// @inheritdoc IOperatorRegistry
    function beginUnbonding(uint256 amount) external {
        uint32 operatorId = _callersOperator();
        Operator storage operator = _operators[operatorId];
        uint256 stake = operator.stake;
        if (amount == 0 || amount > stake) revert UnbondingExceedsStake(amount, stake);
        uint256 rest = stake - amount;
        if (rest != 0 && rest < _parameters.minStakeWei) revert StakeTooLow(rest, _parameters.minStakeWei);

        uint256 releasedAt = block.timestamp + _parameters.unbondingSeconds;
        operator.stake = uint96(rest);
        operator.unbonding += uint96(amount);
        operator.releasedAt = uint40(releasedAt);
        _reweighSeats(operatorId, operator);
        emit StakeChanged(operatorId, rest);
        emit UnbondingBegun(operatorId, amount, releasedAt);
    }

    /// @inheritdoc IOperatorRegistry
    function withdrawUnbonded(address to) external returns (uint256 amount) {
        uint32 operatorId = _callersOperator();
        Operator storage operator = _operators[operatorId];
        amount = operator.unbonding;
        if (amount == 0) revert NothingUnbonding(operatorId);
        if (block.timestamp < operator.releasedAt) {
            revert StillUnbonding(operatorId, operator.releasedAt, block.timestamp);
        }
        operator.unbonding = 0;
        emit UnbondedWithdrawn(operatorId, to, amount);
        SafeTransferLib.safeTransferETH(to, amount);
    }

    /// @inheritdoc IOperatorRegistry
    function stakeOf(uint32 operatorId) external view returns (uint256) {
        return _operators[operatorId].stake;
    }

    /// @inheritdoc IOperatorRegistry
    function unbondingOf(uint32 operatorId) external view returns (uint256 amount, uint256 releasedAt) {
        return (_operators[operatorId].unbonding, _operators[operatorId].releasedAt);
    }
}
