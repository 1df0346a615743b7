// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

import {IModelRegistry} from "./interfaces/IModelRegistry.sol";
import {IOpeningCourt} from "./interfaces/IOpeningCourt.sol";
import {IOperatorRegistry} from "./interfaces/IOperatorRegistry.sol";
import {Attestations} from "./libraries/Attestations.sol";
import {Commitments} from "./libraries/Commitments.sol";
import {OutputComparison} from "./libraries/OutputComparison.sol";
import {CourtParameters} from "./types/CourtParameters.sol";
import {DeterminismProfile} from "./types/DeterminismProfile.sol";
import {Offence} from "./types/Offence.sol";
import {DemandStatus, OpeningDemand} from "./types/OpeningDemand.sol";
import {Request} from "./types/Request.sol";
import {SignedCommitment} from "./types/SignedCommitment.sol";
import {SignedOutput} from "./types/SignedOutput.sol";

/// @title OpeningCourt
/// @notice Makes copying punishable: an operator that attests an answer which it never computed has no commitment that
/// agrees with it.
/// @dev A judge of the operator registry. Holds bonds and nothing else. The bond is what keeps demands from being a nuisance:
/// an operator that can open is paid for it. Openings reveal nothing new, because whoever attested saw reveals before.
contract OpeningCourt is IOpeningCourt {
    /// @dev One word.
    struct DemandRecord {
        address demander;
        uint40 deadline;
        DemandStatus status;
    }

    /// @notice Where operators are punished. It has to trust this court as a judge.
    IOperatorRegistry public immutable operators;
    /// @notice Where the models' determinism profiles are.
    IModelRegistry public immutable models;

    uint96 private immutable _bondWei;
    uint32 private immutable _demandSeconds;
    uint32 private immutable _openingSeconds;

    mapping(bytes32 demandId => DemandRecord) private _demands;
    mapping(address account => uint256) private _bonds;

    /// @dev When an operator was last punished here, unix seconds.
    mapping(uint32 operatorId => uint256) private _punishedAt;

    constructor(IOperatorRegistry operators_, CourtParameters memory parameters_) {
        _requireWithin("bondWei", parameters_.bondWei, 0.0001 ether, 10 ether);
        _requireWithin("demandSeconds", parameters_.demandSeconds, 10 minutes, 24 hours);
        _requireWithin("openingSeconds", parameters_.openingSeconds, 10 minutes, 12 hours);
        operators = operators_;
        models = operators_.models();
        _bondWei = parameters_.bondWei;
        _demandSeconds = parameters_.demandSeconds;
        _openingSeconds = parameters_.openingSeconds;
    }

    /// @inheritdoc IOpeningCourt
    function demand(
        address oracle,
        Request calldata request,
        SignedCommitment calldata committed,
        uint32 viewNumber,
        SignedOutput calldata attested,
        bytes calldata attestedOutput
    ) external payable returns (bytes32 demandId) {
        if (msg.value != _bondWei) revert WrongBond(msg.value, _bondWei);
        if (!operators.isTrustedOracle(oracle)) revert OracleNotTrusted(oracle);
        uint256 latest = uint256(request.opening.openedAt()) + _demandSeconds;
        if (block.timestamp > latest) revert DemandTooLate(request.opening.openedAt(), latest, block.timestamp);
        _requireComparable(request.modelId, attested.outputHash, attestedOutput);

        OpeningDemand memory demanded;
        demanded.oracle = oracle;
        demanded.requestId = request.idOf();
        demanded.modelId = request.modelId;
        demanded.commitment = committed.commitment;
        demanded.attestedHash = attested.outputHash;
        demanded.operatorId = _signerOf(demanded, committed, viewNumber, attested);
        demandId = demanded.id();
        if (_demands[demandId].status != DemandStatus.None) revert AlreadyDemanded(demandId);

        uint256 deadline = block.timestamp + _openingSeconds;
        _demands[demandId] = DemandRecord(msg.sender, uint40(deadline), DemandStatus.Pending);
        emit OpeningDemanded(demandId, demanded.operatorId, msg.sender, demanded, deadline);
    }

    /// @inheritdoc IOpeningCourt
    function open(
        OpeningDemand calldata demanded,
        bytes32 outputHash,
        bytes32 salt,
        bytes calldata output,
        bytes calldata attestedOutput
    ) external {
        bytes32 demandId = demanded.id();
        _requirePending(demandId);
        bytes32 commitment = Commitments.seal(demanded.requestId, demanded.operatorId, outputHash, salt);
        if (commitment != demanded.commitment) revert CommitmentDiffers(demanded.commitment, commitment);
        if (outputHash != demanded.attestedHash) _requireAgreement(demanded, outputHash, output, attestedOutput);

        _demands[demandId].status = DemandStatus.Opened;
        _bonds[operators.ownerOf(demanded.operatorId)] += _bondWei;
        emit CommitmentOpened(demandId, outputHash, salt);
    }

    /// @inheritdoc IOpeningCourt
    /// @dev An operator that is away misses every opening that it is asked for meanwhile. That is one fault: demands from
    /// before its last punishment cost it nothing more, or a night without power would be worth a day's demands to others.
    function close(OpeningDemand calldata demanded) external {
        bytes32 demandId = demanded.id();
        DemandRecord memory pending = _requirePending(demandId);
        if (block.timestamp <= pending.deadline) revert OpeningStillPossible(pending.deadline, block.timestamp);

        _demands[demandId].status = DemandStatus.Missed;
        _bonds[pending.demander] += _bondWei;
        uint256 amount;
        uint256 reward;
        bool isFirst = pending.deadline - _openingSeconds > _punishedAt[demanded.operatorId];
        // A court that lost its trust still gives bonds back.
        if (isFirst && operators.isTrustedJudge(address(this))) {
            _punishedAt[demanded.operatorId] = block.timestamp;
            (amount, reward) = operators.punish(demanded.operatorId, Offence.MissedOpening, pending.demander);
        }
        emit OpeningMissed(demandId, amount, reward);
    }

    /// @inheritdoc IOpeningCourt
    function withdrawBonds(address to) external returns (uint256 amount) {
        amount = _bonds[msg.sender];
        if (amount == 0) revert NoBonds(msg.sender);
        _bonds[msg.sender] = 0;
        emit BondsWithdrawn(msg.sender, to, amount);
        SafeTransferLib.safeTransferETH(to, amount);
    }

    /// @inheritdoc IOpeningCourt
    function bondsOf(address account) external view returns (uint256) {
        return _bonds[account];
    }

    /// @inheritdoc IOpeningCourt
    function demandOf(bytes32 demandId)
        external
        view
        returns (address demander, uint256 deadline, DemandStatus status)
    {
        DemandRecord memory record = _demands[demandId];
        return (record.demander, record.deadline, record.status);
    }

    /// @inheritdoc IOpeningCourt
    function parameters() external view returns (CourtParameters memory) {
        return CourtParameters(_bondWei, _demandSeconds, _openingSeconds);
    }

    /// @dev The one operator whose keys, of whatever time, signed both.
    function _signerOf(
        OpeningDemand memory demanded,
        SignedCommitment calldata committed,
        uint32 viewNumber,
        SignedOutput calldata attested
    ) private view returns (uint32 operatorId) {
        bytes32 separator = Attestations.domainSeparator(demanded.oracle);
        bytes32 said = Commitments.structHash(demanded.requestId, committed.commitment);
        operatorId =
            operators.operatorOf(Attestations.recover(Attestations.digest(separator, said), committed.r, committed.vs));
        said = Attestations.structHash(demanded.requestId, attested.outputHash, viewNumber);
        uint32 otherId =
            operators.operatorOf(Attestations.recover(Attestations.digest(separator, said), attested.r, attested.vs));
        if (operatorId == 0 || operatorId != otherId) revert SignersDiffer(operatorId, otherId);
    }

    /// @dev Refuses at once what could only be decided wrongly later: a demand that no opening can meet.
    function _requireComparable(bytes32 modelId, bytes32 attestedHash, bytes calldata attestedOutput) private view {
        DeterminismProfile profile = models.profileOf(modelId);
        if (DeterminismProfile.unwrap(profile) == 0) revert ModelNotPublished(modelId);
        if (profile.isExact()) return;
        _requireHash(attestedHash, attestedOutput);
        if (!OutputComparison.isComparable(profile, attestedOutput)) revert OutputNotComparable(attestedHash);
    }

    function _requireAgreement(
        OpeningDemand calldata demanded,
        bytes32 outputHash,
        bytes calldata output,
        bytes calldata attestedOutput
    ) private view {
        DeterminismProfile profile = models.profileOf(demanded.modelId);
        bool agrees;
        if (!profile.isExact()) {
            _requireHash(outputHash, output);
            _requireHash(demanded.attestedHash, attestedOutput);
            agrees = OutputComparison.agree(profile, output, attestedOutput);
        }
        if (!agrees) revert AnswersDisagree(outputHash, demanded.attestedHash);
    }

    function _requireHash(bytes32 expected, bytes calldata output) private pure {
        bytes32 actual = keccak256(output);
        if (actual != expected) revert OutputHashDiffers(expected, actual);
    }

    function _requirePending(bytes32 demandId) private view returns (DemandRecord memory record) {
        record = _demands[demandId];
        if (record.status != DemandStatus.Pending) revert DemandNotPending(demandId, record.status);
    }

    function _requireWithin(string memory name, uint256 value, uint256 minimum, uint256 maximum) private pure {
        if (value < minimum || value > maximum) revert ParameterOutOfBounds(name, value, minimum, maximum);
    }
}
