// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {EfficientHashLib} from "solady/utils/EfficientHashLib.sol";

import {InferenceOracle} from "../InferenceOracle.sol";
import {IArbiter} from "../interfaces/IArbiter.sol";
import {DisputeStatus, IJuryArbiter} from "../interfaces/IJuryArbiter.sol";
import {IOperatorRegistry} from "../interfaces/IOperatorRegistry.sol";
import {Attestations} from "../libraries/Attestations.sol";
import {BlockHashes} from "../libraries/BlockHashes.sol";
import {Quorums} from "../libraries/Quorums.sol";
import {SettlementGas} from "../libraries/SettlementGas.sol";
import {Signers} from "../libraries/Signers.sol";
import {Draw, Sortition} from "../libraries/Sortition.sol";
import {Attestation} from "../types/Attestation.sol";
import {Dispute} from "../types/Dispute.sol";
import {Offence} from "../types/Offence.sol";
import {Policy} from "../types/Policy.sol";
import {Proposal} from "../types/Proposal.sol";
import {Request} from "../types/Request.sol";
import {Submission} from "../types/Submission.sol";
import {Verdict} from "../types/Verdict.sol";

/// @title JuryArbiter
/// @notice Decides a challenge by re-execution: a larger draw of operators, without those who are accused.
/// @dev Holds nothing but the bonds of open disputes. Each entry closes its dispute before it calls the oracle or the
/// registry; the oracle calls the consumer last, so a consumer that re-enters finds everything done.
contract JuryArbiter is IJuryArbiter {
    /// @dev A jury's quorum is `c + 1`, and the word that names who is paid has room for `Signers.MOST`.
    uint8 private constant MAX_COMMITTEE = Signers.MOST - 1;

    /// @dev Less would make it cheap to delay every request.
    uint256 private constant MIN_BOND_WEI = 0.0001 ether;

    /// @dev With the longest challenge window it stays below the least unbonding time. On a chain whose last 8191 blocks
    /// span less than the verdict time, a jury has only as long as the draw's block hash is known.
    uint256 private constant MAX_VERDICT_SECONDS = 12 hours;
    uint256 private constant MIN_VERDICT_SECONDS = 1 minutes;

    /// @notice The oracle whose proposals are disputed here.
    InferenceOracle public immutable oracle;
    /// @notice Where operators have their seats, and are punished. It must trust this contract as a judge.
    IOperatorRegistry public immutable operators;
    /// @inheritdoc IJuryArbiter
    uint256 public immutable bondWei;
    /// @inheritdoc IJuryArbiter
    uint256 public immutable verdictSeconds;

    /// @inheritdoc IJuryArbiter
    mapping(bytes32 disputeId => DisputeStatus) public disputeStatus;

    constructor(InferenceOracle oracle_, uint256 bondWei_, uint256 verdictSeconds_) {
        if (bondWei_ < MIN_BOND_WEI) revert BondOutOfBounds(bondWei_, MIN_BOND_WEI);
        if (verdictSeconds_ < MIN_VERDICT_SECONDS || verdictSeconds_ > MAX_VERDICT_SECONDS) {
            revert VerdictTimeOutOfBounds(verdictSeconds_, MIN_VERDICT_SECONDS, MAX_VERDICT_SECONDS);
        }
        oracle = oracle_;
        operators = oracle_.operators();
        bondWei = bondWei_;
        verdictSeconds = verdictSeconds_;
    }

    /// @inheritdoc IArbiter
    function seatsNeeded(Policy calldata policy) external pure returns (uint256) {
        if (policy.committeeSize > MAX_COMMITTEE) {
            revert CommitteeTooLargeToJudge(policy.committeeSize, MAX_COMMITTEE);
        }
        if (policy.quorum > MAX_COMMITTEE) revert QuorumTooLargeToJudge(policy.quorum, MAX_COMMITTEE);
        return uint256(policy.quorum) + _juryQuorum(policy.committeeSize);
    }

    /// @inheritdoc IJuryArbiter
    function challenge(Request calldata request, Proposal calldata proposal)
        external
        payable
        returns (bytes32 disputeId)
    {
        if (msg.value != bondWei) revert WrongBond(msg.value, bondWei);
        Dispute memory dispute = Dispute({
            proposal: proposal,
            challenger: msg.sender,
            challengedBlock: uint48(block.number),
            challengedAt: uint40(block.timestamp)
        });
        bytes32 requestId = request.idOf();
        disputeId = dispute.id(address(this), requestId);
        disputeStatus[disputeId] = DisputeStatus.Open;
        emit ProposalChallenged(disputeId, requestId, msg.sender, dispute);
        // Reverts unless the proposal is the request's, its window still runs, and nobody came first.
        oracle.suspend(request, proposal);
    }

    /// @inheritdoc IJuryArbiter
    function resolve(
        Request calldata request,
        Dispute calldata dispute,
        bytes calldata output,
        uint32 viewNumber,
        Attestation[] calldata attestations
    ) external {
        uint256 gasAtStart = gasleft() + SettlementGas.resolution(attestations.length, output.length);
        bytes32 requestId = request.idOf();
        bytes32 disputeId = dispute.id(address(this), requestId);
        _requireOpen(disputeId);
        _requireInTime(disputeId, dispute);
        bytes32 outputHash = EfficientHashLib.hashCalldata(output);
        uint256 jurors = _verifyJury(request, dispute, disputeId, outputHash, viewNumber, attestations);

        Verdict memory verdict = Verdict({signers: jurors, resolver: msg.sender, gasUsed: 0});
        if (outputHash == dispute.proposal.outputHash) {
            disputeStatus[disputeId] = DisputeStatus.Upheld;
            verdict.signers = dispute.proposal.signers;
            emit ProposalUpheld(disputeId, requestId, jurors);
            _forfeitBond(jurors, dispute.proposal.signers);
        } else {
            disputeStatus[disputeId] = DisputeStatus.Overturned;
            emit ProposalOverturned(disputeId, requestId, jurors, outputHash);
            _punishSigners(dispute);
            oracle.deposit{value: bondWei}(dispute.challenger);
        }
        verdict.gasUsed = gasAtStart - gasleft();
        oracle.rule(request, dispute.proposal, output, verdict);
    }

    /// @inheritdoc IJuryArbiter
    function lapse(Request calldata request, Dispute calldata dispute) external {
        bytes32 requestId = request.idOf();
        bytes32 disputeId = dispute.id(address(this), requestId);
        _requireOpen(disputeId);
        uint256 endsAt = _verdictEnd(dispute);
        if (block.timestamp <= endsAt) revert VerdictTimeNotOver(disputeId, endsAt, block.timestamp);

        disputeStatus[disputeId] = DisputeStatus.Lapsed;
        emit DisputeLapsed(disputeId, requestId);
        oracle.deposit{value: bondWei}(dispute.challenger);
        oracle.annul(request, dispute.proposal);
    }

    /// @dev Half is slashed, so that challenging oneself costs at least that; the jurors did the work, and the signers
    /// waited, so each group gets a half of the rest.
    function _forfeitBond(uint256 jurors, uint256 signers) private {
        uint256 forJurors = bondWei / 4;
        uint256 forSigners = bondWei / 4;
        operators.addSlashedFunds{value: bondWei - forJurors - forSigners}();
        oracle.splitEarnings{value: forJurors}(jurors);
        oracle.splitEarnings{value: forSigners}(signers);
    }

    /// @dev One that lost everything for equivocation meanwhile is passed over by the registry.
    function _punishSigners(Dispute calldata dispute) private {
        for (uint256 left = dispute.proposal.signers; left != 0; left = Signers.rest(left)) {
            operators.punish(Signers.first(left), Offence.OverturnedOutput, dispute.challenger);
        }
    }

    /// @dev Reverts unless a jury's quorum signed the output for this dispute.
    function _verifyJury(
        Request calldata request,
        Dispute calldata dispute,
        bytes32 disputeId,
        bytes32 outputHash,
        uint32 viewNumber,
        Attestation[] calldata attestations
    ) private view returns (uint256 jurors) {
        uint256 needed = _juryQuorum(request.terms.committeeSize());
        if (attestations.length != needed) revert JurySizeNotMet(attestations.length, needed);
        bytes32 digest = Attestations.digest(
            Attestations.domainSeparator(address(oracle)), Attestations.structHash(disputeId, outputHash, viewNumber)
        );
        Submission memory submission;
        Quorums.verify(operators, request, _drawOf(request, dispute, disputeId), digest, attestations, submission);
        jurors = submission.signers;
        for (uint256 left = jurors; left != 0; left = Signers.rest(left)) {
            if (Signers.includes(dispute.proposal.signers, Signers.first(left))) {
                revert JurorSignedProposal(Signers.first(left));
            }
        }
    }

    /// @dev As `Sortition.drawOf` draws a request's operators, but for the dispute, and `2c + 1` of them at first.
    function _drawOf(Request calldata request, Dispute calldata dispute, bytes32 disputeId)
        private
        view
        returns (Draw memory draw)
    {
        draw.seed = Sortition.seed(disputeId, BlockHashes.get(dispute.challengedBlock));
        draw.round = (block.timestamp - dispute.challengedAt) / request.opening.roundSeconds();
        draw.demandBps =
            Sortition.demandBps(2 * request.terms.committeeSize() + 1, request.opening.overdrawBps(), draw.round);
        draw.totalWeight = request.opening.totalWeight();
    }

    function _requireOpen(bytes32 disputeId) private view {
        DisputeStatus status = disputeStatus[disputeId];
        if (status != DisputeStatus.Open) revert DisputeNotOpen(disputeId, status);
    }

    function _requireInTime(bytes32 disputeId, Dispute calldata dispute) private view {
        uint256 endsAt = _verdictEnd(dispute);
        if (block.timestamp > endsAt) revert VerdictTimeOver(disputeId, endsAt, block.timestamp);
    }

    function _verdictEnd(Dispute calldata dispute) private view returns (uint256) {
        return uint256(dispute.challengedAt) + verdictSeconds;
    }

    function _juryQuorum(uint8 committeeSize) private pure returns (uint256) {
        return uint256(committeeSize) + 1;
    }
}
