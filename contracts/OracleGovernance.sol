// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";

import {IArbiter} from "./interfaces/IArbiter.sol";
import {IOracleGovernance} from "./interfaces/IOracleGovernance.sol";
import {OracleParameters} from "./types/OracleParameters.sol";

/// @title OracleGovernance
/// @notice The oracle's parameters, each bounded here, and the guardian's pause of new requests.
abstract contract OracleGovernance is IOracleGovernance, Ownable2Step {
    uint256 private constant MAX_PAUSE_SECONDS = 3 days;

    /// @dev Longest challenge window. With an arbiter's time for a verdict, at most half a day, it stays below the least
    /// unbonding time: who signed a proposal has something to lose until it is final.
    uint256 internal constant MAX_CHALLENGE_WINDOW = 1 days;

    /// @dev One slot: `OracleParameters`, the pause and the current arbiter, which requests read.
    struct Regime {
        uint16 roundSeconds;
        uint16 overdrawBps;
        uint16 protocolBps;
        uint32 maxLifetimeSeconds;
        uint32 maxCallbackGas;
        uint32 maxInputBytes;
        uint40 pausedUntil;
        uint8 arbiterIndex;
    }

    Regime internal _regime;

    /// @dev Append-only: an index means the same arbiter for ever, so an open request needs to carry only the index.
    IArbiter[] private _arbiters;

    /// @inheritdoc IOracleGovernance
    address public guardian;

    constructor(OracleParameters memory parameters_, address guardian_) {
        _setParameters(parameters_);
        _setGuardian(guardian_);
        _arbiters.push(IArbiter(address(0)));
    }

    /// @inheritdoc IOracleGovernance
    function setParameters(OracleParameters calldata parameters_) external onlyOwner {
        _setParameters(parameters_);
    }

    /// @inheritdoc IOracleGovernance
    function setGuardian(address guardian_) external onlyOwner {
        _setGuardian(guardian_);
    }

    /// @inheritdoc IOracleGovernance
    function listArbiter(IArbiter arbiter) external onlyOwner returns (uint8 arbiterIndex) {
        if (address(arbiter).code.length == 0) revert ArbiterHasNoCode(address(arbiter));
        if (_arbiters.length > type(uint8).max) revert ArbiterListFull();
        arbiterIndex = uint8(_arbiters.length);
        _arbiters.push(arbiter);
        emit ArbiterListed(arbiterIndex, address(arbiter));
        _setCurrentArbiter(arbiterIndex);
    }

    /// @inheritdoc IOracleGovernance
    function activateArbiter(uint8 arbiterIndex) external onlyOwner {
        arbiterByIndex(arbiterIndex);
        _setCurrentArbiter(arbiterIndex);
    }

    /// @inheritdoc IOracleGovernance
    function pauseRequests(uint256 pauseSeconds) external {
        if (msg.sender != guardian) revert NotGuardian(msg.sender);
        if (pauseSeconds > MAX_PAUSE_SECONDS) revert PauseTooLong(pauseSeconds, MAX_PAUSE_SECONDS);
        uint256 last = _regime.pausedUntil;
        if (last != 0 && block.timestamp < last + MAX_PAUSE_SECONDS) {
            revert PauseTooSoon(last + MAX_PAUSE_SECONDS, block.timestamp);
        }
        _setPausedUntil(block.timestamp + pauseSeconds);
    }

    /// @inheritdoc IOracleGovernance
    function resumeRequests() external onlyOwner {
        if (_regime.pausedUntil > block.timestamp) _setPausedUntil(block.timestamp);
    }

    /// @inheritdoc IOracleGovernance
    function parameters() external view returns (OracleParameters memory) {
        Regime memory regime = _regime;
        return OracleParameters({
            roundSeconds: regime.roundSeconds,
            overdrawBps: regime.overdrawBps,
            protocolBps: regime.protocolBps,
            maxLifetimeSeconds: regime.maxLifetimeSeconds,
            maxCallbackGas: regime.maxCallbackGas,
            maxInputBytes: regime.maxInputBytes
        });
    }

    /// @inheritdoc IOracleGovernance
    function pausedUntil() external view returns (uint256) {
        return _regime.pausedUntil;
    }

    /// @inheritdoc IOracleGovernance
    function arbiterInOffice() external view returns (uint8 arbiterIndex) {
        return _regime.arbiterIndex;
    }

    /// @inheritdoc IOracleGovernance
    function arbiterByIndex(uint8 arbiterIndex) public view returns (IArbiter) {
        if (arbiterIndex >= _arbiters.length) revert ArbiterIndexUnknown(arbiterIndex);
        return _arbiters[arbiterIndex];
    }

    function _setParameters(OracleParameters memory p) private {
        _requireWithin("roundSeconds", p.roundSeconds, 1, 1 hours);
        _requireWithin("overdrawBps", p.overdrawBps, 10_000, 50_000);
        _requireWithin("protocolBps", p.protocolBps, 0, 2000);
        _requireWithin("maxLifetimeSeconds", p.maxLifetimeSeconds, 1 minutes, 1 days);
        _requireWithin("maxCallbackGas", p.maxCallbackGas, 100_000, 10_000_000);
        _requireWithin("maxInputBytes", p.maxInputBytes, 1024, 128 * 1024);
        _regime = Regime({
            roundSeconds: p.roundSeconds,
            overdrawBps: p.overdrawBps,
            protocolBps: p.protocolBps,
            maxLifetimeSeconds: p.maxLifetimeSeconds,
            maxCallbackGas: p.maxCallbackGas,
            maxInputBytes: p.maxInputBytes,
            pausedUntil: _regime.pausedUntil,
            arbiterIndex: _regime.arbiterIndex
        });
        emit ParametersChanged(p);
    }

    function _requireWithin(string memory name, uint256 value, uint256 minimum, uint256 maximum) private pure {
        if (value < minimum || value > maximum) revert ParameterOutOfBounds(name, value, minimum, maximum);
    }

    function _setGuardian(address guardian_) private {
        guardian = guardian_;
        emit GuardianChanged(guardian_);
    }

    function _setCurrentArbiter(uint8 arbiterIndex) private {
        _regime.arbiterIndex = arbiterIndex;
        emit CurrentArbiterChanged(arbiterIndex);
    }

    function _setPausedUntil(uint256 until) private {
        _regime.pausedUntil = uint40(until);
        emit RequestsPaused(until);
    }
}
