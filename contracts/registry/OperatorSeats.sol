// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ECDSA} from "solady/utils/ECDSA.sol";
import {EIP712} from "solady/utils/EIP712.sol";

import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {IOperatorRegistry} from "../interfaces/IOperatorRegistry.sol";
import {Enrolment, EnrolmentLib} from "../types/Enrolment.sol";
import {RegistryGovernance} from "./RegistryGovernance.sol";

/// @title Operators, their keys and their seats
/// @notice Joining, taking and leaving seats, and changing the key that signs.
/// @dev Whatever changes a seat moves its `activeFrom` past the present, so no open request ever sees the change:
/// a weight that moved after a draw was known would be a way to choose the drawn.
abstract contract OperatorSeats is RegistryGovernance, EIP712 {
    /// @dev Three words before the list. `jailedUntil` and `releasedAt` are unix seconds, stakes are wei.
    struct Operator {
        address owner;
        uint96 stake;
        address attester;
        uint96 unbonding;
        uint40 releasedAt;
        uint40 jailedUntil;
        bool slashed;
        bytes32[] models;
    }

    /// @notice EIP-712 type hash of an attester's consent.
    bytes32 public constant CONSENT_TYPEHASH = keccak256("AttesterConsent(address owner,address attester)");

    /// @notice Wei of stake that make one unit of weight.
    uint256 public constant WEI_PER_WEIGHT = 1e12;

    /// @notice Most models that one operator serves, so that a slash can reach all its seats.
    /// @dev Bounds the loop that rewrites an operator's seats.
    uint256 public constant MAX_ENROLMENTS = 32;

    /// @inheritdoc IOperatorRegistry
    IModelRegistry public immutable models;

    mapping(uint32 operatorId => Operator) internal _operators;
    mapping(address attester => uint32) internal _operatorOfAttester;

    uint32 private _lastOperatorId;
    mapping(address owner => uint32) private _operatorOfOwner;
    mapping(bytes32 modelId => mapping(uint32 operatorId => Enrolment)) private _enrolments;

    constructor(IModelRegistry models_) {
        models = models_;
    }

    // Joining

    /// @inheritdoc IOperatorRegistry
    function register(address attester, bytes calldata consent, string calldata endpoint)
        external
        payable
        returns (uint32 operatorId)
    {
        if (_operatorOfOwner[msg.sender] != 0) {
            revert OwnerAlreadyRegistered(msg.sender, _operatorOfOwner[msg.sender]);
        }
        if (msg.value < _parameters.minStakeWei) revert StakeTooLow(msg.value, _parameters.minStakeWei);

        operatorId = ++_lastOperatorId;
        _operatorOfOwner[msg.sender] = operatorId;
        _claimAttester(operatorId, attester, consent);
        Operator storage operator = _operators[operatorId];
        operator.owner = msg.sender;
        operator.stake = uint96(msg.value);
        emit OperatorRegistered(operatorId, msg.sender, attester, endpoint);
        emit StakeChanged(operatorId, msg.value);
    }

    /// @inheritdoc IOperatorRegistry
    function enroll(bytes32 modelId) external {
        uint32 operatorId = _callersOperator();
        Operator storage operator = _operators[operatorId];
        if (operator.slashed) revert OperatorSlashed(operatorId);
        if (block.timestamp < operator.jailedUntil) revert OperatorJailed(operatorId, operator.jailedUntil);
        if (operator.stake < _parameters.minStakeWei) revert StakeTooLow(operator.stake, _parameters.minStakeWei);

        Enrolment seat = _enrolments[modelId][operatorId];
        uint56 weight = _weightOf(operator.stake);
        if (!seat.exists()) {
            if (operator.models.length == MAX_ENROLMENTS) revert TooManyEnrolments(operatorId, MAX_ENROLMENTS);
            operator.models.push(modelId);
        } else if (seat.weight() == weight) {
            revert AlreadyEnrolledSo(modelId, operatorId);
        }
        _setSeat(modelId, operatorId, EnrolmentLib.pack(operator.attester, weight, _activeFrom()));
    }

    /// @inheritdoc IOperatorRegistry
    function unenroll(bytes32 modelId) external {
        uint32 operatorId = _callersOperator();
        if (!_enrolments[modelId][operatorId].exists()) revert NotEnrolled(modelId, operatorId);

        bytes32[] storage enrolled = _operators[operatorId].models;
        uint256 last = enrolled.length - 1;
        for (uint256 i = 0; i < last; ++i) {
            if (enrolled[i] == modelId) {
                enrolled[i] = enrolled[last];
                break;
            }
        }
        enrolled.pop();
        _setSeat(modelId, operatorId, EnrolmentLib.NONE);
    }

    /// @inheritdoc IOperatorRegistry
    function setEndpoint(string calldata endpoint) external {
        emit EndpointChanged(_callersOperator(), endpoint);
    }

    /// @inheritdoc IOperatorRegistry
    function rotateAttester(address attester, bytes calldata consent) external {
        uint32 operatorId = _callersOperator();
        _claimAttester(operatorId, attester, consent);

        bytes32[] memory enrolled = _operators[operatorId].models;
        for (uint256 i = 0; i < enrolled.length; ++i) {
            Enrolment seat = _enrolments[enrolled[i]][operatorId];
            // A key does not move the draw, so it needs no activation delay: only to be in force before the request is.
            uint40 activeFrom = uint40(block.timestamp + 1);
            if (seat.activeFrom() > activeFrom) activeFrom = seat.activeFrom();
            _setSeat(enrolled[i], operatorId, EnrolmentLib.pack(attester, seat.weight(), activeFrom));
        }
        emit AttesterRotated(operatorId, attester);
    }

    // Views

    /// @inheritdoc IOperatorRegistry
    function enrolmentOf(bytes32 modelId, uint32 operatorId) external view returns (Enrolment) {
        return _enrolments[modelId][operatorId];
    }

    /// @inheritdoc IOperatorRegistry
    function totalWeightOf(bytes32 modelId) external view returns (uint64) {
        (, uint64 totalWeight,) = models.offerOf(modelId, address(this));
        return totalWeight;
    }

    /// @inheritdoc IOperatorRegistry
    function seatTotalsOf(bytes32 modelId) external view returns (uint64 totalWeight, uint32 seats) {
        (, totalWeight, seats) = models.offerOf(modelId, address(this));
    }

    /// @inheritdoc IOperatorRegistry
    function modelsOf(uint32 operatorId) external view returns (bytes32[] memory) {
        return _operators[operatorId].models;
    }

    /// @inheritdoc IOperatorRegistry
    function operatorOf(address attester) external view returns (uint32) {
        return _operatorOfAttester[attester];
    }

    /// @inheritdoc IOperatorRegistry
    function operatorOfOwner(address owner_) external view returns (uint32) {
        return _operatorOfOwner[owner_];
    }

    /// @inheritdoc IOperatorRegistry
    function attesterOf(uint32 operatorId) external view returns (address) {
        return _operators[operatorId].attester;
    }

    /// @inheritdoc IOperatorRegistry
    function ownerOf(uint32 operatorId) external view returns (address) {
        return _operators[operatorId].owner;
    }

    /// @inheritdoc IOperatorRegistry
    function jailedUntil(uint32 operatorId) external view returns (uint256) {
        return _operators[operatorId].jailedUntil;
    }

    // Internals

    /// @dev Gives every seat of an operator the weight of its stake; without stake the seats are gone.
    function _reweighSeats(uint32 operatorId, Operator storage operator) internal {
        if (operator.stake == 0) return _vacateSeats(operatorId, operator);
        Enrolment seat = EnrolmentLib.pack(operator.attester, _weightOf(operator.stake), _activeFrom());
        bytes32[] memory enrolled = operator.models;
        for (uint256 i = 0; i < enrolled.length; ++i) {
            _setSeat(enrolled[i], operatorId, seat);
        }
    }

    /// @dev Takes every seat from an operator.
    function _vacateSeats(uint32 operatorId, Operator storage operator) internal {
        bytes32[] memory enrolled = operator.models;
        delete operator.models;
        for (uint256 i = 0; i < enrolled.length; ++i) {
            _setSeat(enrolled[i], operatorId, EnrolmentLib.NONE);
        }
    }

    function _callersOperator() internal view returns (uint32 operatorId) {
        operatorId = _operatorOfOwner[msg.sender];
        if (operatorId == 0) revert NotAnOperator(msg.sender);
    }

    /// @dev Makes `attester` the operator's key, once it has signed that it wants to be. Without the consent anybody could
    /// claim somebody else's key, and with it the blame or the fame of what that key signed.
    function _claimAttester(uint32 operatorId, address attester, bytes calldata consent) private {
        uint32 holder = _operatorOfAttester[attester];
        if (holder != 0) revert AttesterAlreadyUsed(attester, holder);
        bytes32 digest = _hashTypedData(keccak256(abi.encode(CONSENT_TYPEHASH, msg.sender, attester)));
        address recovered = ECDSA.tryRecoverCalldata(digest, consent);
        if (recovered != attester || attester == address(0)) revert WrongConsent(msg.sender, attester, recovered);
        _operatorOfAttester[attester] = operatorId;
        _operators[operatorId].attester = attester;
    }

    /// @dev The only place that writes a seat, so the totals always add up.
    function _setSeat(bytes32 modelId, uint32 operatorId, Enrolment seat) private {
        Enrolment before = _enrolments[modelId][operatorId];
        _enrolments[modelId][operatorId] = seat;
        uint64 totalWeight = models.replaceSeat(modelId, before, seat);
        emit EnrolmentChanged(modelId, operatorId, seat, totalWeight);
    }

    function _weightOf(uint256 stake) private view returns (uint56) {
        uint256 counted = stake < _parameters.maxStakeWei ? stake : _parameters.maxStakeWei;
        return uint56(counted / WEI_PER_WEIGHT);
    }

    function _activeFrom() private view returns (uint40) {
        return uint40(block.timestamp + _parameters.activationSeconds);
    }

    function _domainNameAndVersion() internal pure override returns (string memory, string memory) {
        return ("Sibyl OperatorRegistry", "1");
    }
}
