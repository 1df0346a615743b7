// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

import {IOperatorRegistry} from "../interfaces/IOperatorRegistry.sol";
import {OperatorParameters} from "../types/OperatorParameters.sol";

/// @title What the registry's owner decides
/// @notice Bounded parameters, whose word counts as evidence or verdict, and where slashed wei goes.
/// @dev The owner is meant to be a timelock. It takes no stake and moves no seat.
abstract contract RegistryGovernance is IOperatorRegistry, Ownable2Step {
    OperatorParameters internal _parameters;

    /// @inheritdoc IOperatorRegistry
    uint256 public slashedFunds;

    /// @inheritdoc IOperatorRegistry
    /// @dev Never removed, because requests settle on old oracles too.
    mapping(address oracle => bool) public isTrustedOracle;

    /// @inheritdoc IOperatorRegistry
    mapping(address judge => bool) public isTrustedJudge;

    constructor(address owner_, OperatorParameters memory parameters_) Ownable(owner_) {
        _setParameters(parameters_);
    }

    /// @notice Lets attestations for `oracle` count as evidence, for ever.
    /// @dev Warning: an operator that signs for a contract which is no oracle of this protocol can be slashed for it once
    /// the owner names that contract here.
    function trustOracle(address oracle) external onlyOwner {
        isTrustedOracle[oracle] = true;
        emit OracleTrusted(oracle);
    }

    /// @notice Lets `judge` punish operators from now on.
    /// @dev Warning: nothing limits how often a judge may punish. Name only contracts that punish once per proven offence.
    function trustJudge(address judge) external onlyOwner {
        isTrustedJudge[judge] = true;
        emit JudgeTrusted(judge);
    }

    /// @notice Takes the trust back, also for what `judge` has not decided yet.
    function distrustJudge(address judge) external onlyOwner {
        isTrustedJudge[judge] = false;
        emit JudgeDistrusted(judge);
    }

    /// @notice Changes the parameters within their bounds; only the owner.
    function setParameters(OperatorParameters calldata parameters_) external onlyOwner {
        _setParameters(parameters_);
    }

    /// @notice Pays out what slashes took, less what reporters got; only the owner.
    function withdrawSlashedFunds(address to) external onlyOwner returns (uint256 amount) {
        amount = slashedFunds;
        slashedFunds = 0;
        emit SlashedFundsWithdrawn(to, amount);
        SafeTransferLib.safeTransferETH(to, amount);
    }

    /// @inheritdoc IOperatorRegistry
    function addSlashedFunds() external payable {
        slashedFunds += msg.value;
        emit SlashedFundsAdded(msg.sender, msg.value);
    }

    /// @inheritdoc IOperatorRegistry
    function parameters() external view returns (OperatorParameters memory) {
        return _parameters;
    }

    function _setParameters(OperatorParameters memory p) private {
        _requireWithin("minStakeWei", p.minStakeWei, 0.001 ether, 1000 ether);
        _requireWithin("maxStakeWei", p.maxStakeWei, p.minStakeWei, 100_000 ether);
        _requireWithin("activationSeconds", p.activationSeconds, 1, 7 days);
        _requireWithin("unbondingSeconds", p.unbondingSeconds, 2 days, 90 days);
        _requireWithin("reporterBps", p.reporterBps, 0, 4999);
        _requireWithin("missedOpeningBps", p.missedOpeningBps, 0, 1000);
        _requireWithin("overturnedBps", p.overturnedBps, 0, 5000);
        _requireWithin("jailSeconds", p.jailSeconds, 0, 30 days);
        _parameters = p;
        emit ParametersChanged(p);
    }

    function _requireWithin(string memory name, uint256 value, uint256 minimum, uint256 maximum) private pure {
        if (value < minimum || value > maximum) revert ParameterOutOfBounds(name, value, minimum, maximum);
    }
}
