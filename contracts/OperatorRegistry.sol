// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {ECDSA} from "solady/utils/ECDSA.sol";
import {EIP712} from "solady/utils/EIP712.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

import {IModelRegistry} from "./interfaces/IModelRegistry.sol";
import {IOperatorRegistry} from "./interfaces/IOperatorRegistry.sol";
import {Attestations} from "./libraries/Attestations.sol";
import {Enrolment, EnrolmentLib} from "./types/Enrolment.sol";
import {OperatorParameters} from "./types/OperatorParameters.sol";
import {SignedOutput} from "./types/SignedOutput.sol";

/// @title OperatorRegistry
/// @notice Who may be drawn, with what weight and which key, and what each one has to lose.
/// @dev Whatever changes a seat moves its `activeFrom` past the present, so no open request ever sees the change:
/// a weight that moved after a draw was known would be a way to choose the drawn.
contract OperatorRegistry is IOperatorRegistry, Ownable2Step, EIP712 {
    struct Operator {
        address owner;
        uint96 stake;
        address attester;
        uint96 unbonding;
        uint40 releasedAt;
        bool slashed;
        bytes32[] models;
    }

    /// @notice EIP-712 type hash of an attester's consent.
    bytes32 public constant CONSENT_TYPEHASH = keccak256("AttesterConsent(address owner,address attester)");

    /// @notice Wei of stake that make one unit of weight.
    /// @dev One unit of weight.
    uint256 public constant WEI_PER_WEIGHT = 1e12;

    /// @notice Most models that one operator serves, so that a slash can reach all its seats.
    /// @dev Bounds the loop that rewrites an operator's seats.
    uint256 public constant MAX_ENROLMENTS = 32;

    /// @notice Keeps the totals of all seats, beside the terms of the models.
    IModelRegistry public immutable models;

    OperatorParameters private _parameters;

    /// @notice Slashed wei that belongs to nobody yet.
    uint256 public slashedFunds;

    /// @notice Oracles whose attestations are evidence; never removed, because requests settle on old oracles too.
    mapping(address oracle => bool) public isTrustedOracle;

    uint32 private _lastOperatorId;
    mapping(uint32 operatorId => Operator) private _operators;
    mapping(address owner => uint32) private _operatorOfOwner;
    mapping(address attester => uint32) private _operatorOfAttester;
    mapping(bytes32 modelId => mapping(uint32 operatorId => Enrolment)) private _enrolments;

    constructor(address owner_, IModelRegistry models_, OperatorParameters memory parameters_) Ownable(owner_) {
        models = models_;
        _setParameters(parameters_);
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

    // Stake

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

    // Slashing

    /// @inheritdoc IOperatorRegistry
    function slashEquivocation(
        address oracle,
        bytes32 requestId,
        uint32 viewNumber,
        SignedOutput calldata first,
        SignedOutput calldata second
    ) external returns (uint256 amount) {
        if (!isTrustedOracle[oracle]) revert OracleNotTrusted(oracle);
        if (first.outputHash == second.outputHash) revert SameOutput(first.outputHash);
        bytes32 separator = Attestations.domainSeparator(oracle);
        uint32 operatorId = _signerOf(separator, requestId, viewNumber, first);
        uint32 otherId = _signerOf(separator, requestId, viewNumber, second);
        if (operatorId == 0 || operatorId != otherId) revert SignersDiffer(operatorId, otherId);

        Operator storage operator = _operators[operatorId];
        if (operator.slashed) revert OperatorSlashed(operatorId);
        amount = uint256(operator.stake) + operator.unbonding;
        uint256 reward = amount * _parameters.reporterBps / 10_000;
        operator.slashed = true;
        operator.stake = 0;
        operator.unbonding = 0;
        slashedFunds += amount - reward;
        _reweighSeats(operatorId, operator);
        emit StakeChanged(operatorId, 0);
        emit EquivocationSlashed(operatorId, requestId, msg.sender, amount, reward);
        SafeTransferLib.safeTransferETH(msg.sender, reward);
    }

    // Governance

    /// @notice Lets attestations for `oracle` count as evidence, for ever.
    /// @dev Warning: an operator that signs for a contract which is no oracle of this protocol can be slashed for it once
    /// the owner names that contract here.
    function trustOracle(address oracle) external onlyOwner {
        isTrustedOracle[oracle] = true;
        emit OracleTrusted(oracle);
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
    function stakeOf(uint32 operatorId) external view returns (uint256) {
        return _operators[operatorId].stake;
    }

    /// @inheritdoc IOperatorRegistry
    function unbondingOf(uint32 operatorId) external view returns (uint256 amount, uint256 releasedAt) {
        return (_operators[operatorId].unbonding, _operators[operatorId].releasedAt);
    }

    /// @inheritdoc IOperatorRegistry
    function parameters() external view returns (OperatorParameters memory) {
        return _parameters;
    }

    // Internals

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

    /// @dev Gives every seat of an operator the weight of its stake; without stake the seats are gone.
    function _reweighSeats(uint32 operatorId, Operator storage operator) private {
        bytes32[] memory enrolled = operator.models;
        Enrolment seat = EnrolmentLib.NONE;
        if (operator.stake == 0) delete operator.models;
        else seat = EnrolmentLib.pack(operator.attester, _weightOf(operator.stake), _activeFrom());
        for (uint256 i = 0; i < enrolled.length; ++i) {
            _setSeat(enrolled[i], operatorId, seat);
        }
    }

    /// @dev The only place that writes a seat, so the totals always add up.
    function _setSeat(bytes32 modelId, uint32 operatorId, Enrolment seat) private {
        Enrolment before = _enrolments[modelId][operatorId];
        _enrolments[modelId][operatorId] = seat;
        uint64 totalWeight = models.replaceSeat(modelId, before, seat);
        emit EnrolmentChanged(modelId, operatorId, seat, totalWeight);
    }

    function _setParameters(OperatorParameters memory p) private {
        _requireWithin("minStakeWei", p.minStakeWei, 0.001 ether, 1000 ether);
        _requireWithin("maxStakeWei", p.maxStakeWei, p.minStakeWei, 100_000 ether);
        _requireWithin("activationSeconds", p.activationSeconds, 1, 7 days);
        _requireWithin("unbondingSeconds", p.unbondingSeconds, 2 days, 90 days);
        _requireWithin("reporterBps", p.reporterBps, 0, 5000);
        _parameters = p;
        emit ParametersChanged(p);
    }

    function _requireWithin(string memory name, uint256 value, uint256 minimum, uint256 maximum) private pure {
        if (value < minimum || value > maximum) revert ParameterOutOfBounds(name, value, minimum, maximum);
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

    function _callersOperator() private view returns (uint32 operatorId) {
        operatorId = _operatorOfOwner[msg.sender];
        if (operatorId == 0) revert NotAnOperator(msg.sender);
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
