// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {EfficientHashLib} from "solady/utils/EfficientHashLib.sol";

import {OracleGovernance} from "../OracleGovernance.sol";
import {IProposals} from "../interfaces/IProposals.sol";
import {SettlementGas} from "../libraries/SettlementGas.sol";
import {Signers} from "../libraries/Signers.sol";
import {Proposal} from "../types/Proposal.sol";
import {Request} from "../types/Request.sol";
import {RequestSlot, RequestSlotLib} from "../types/RequestSlot.sol";
import {RequestStatus} from "../types/RequestStatus.sol";
import {Submission} from "../types/Submission.sol";
import {Verdict} from "../types/Verdict.sol";
import {Concluding} from "./Concluding.sol";
import {Refunding} from "./Refunding.sol";

/// @title Challenging
/// @notice How an output with a challenge window becomes final: by the end of the window, or by the request's arbiter.
abstract contract Challenging is IProposals, Concluding, Refunding, OracleGovernance {
    /// @inheritdoc IProposals
    function finalize(Request calldata request_, Proposal calldata proposal, bytes calldata output) external {
        Submission memory submission =
            _submissionFor(proposal.signers, msg.sender, gasleft() + SettlementGas.finalization(output.length));
        bytes32 id = request_.idOf();
        Entry storage entry = _proposedEntry(id, proposal);
        _requireWindowOver(request_, id, proposal);
        bytes32 outputHash = EfficientHashLib.hashCalldata(output);
        if (outputHash != proposal.outputHash) revert WrongOutput(id, outputHash);

        _owe(proposal, submission);
        _conclude(request_, id, entry, output, outputHash, submission);
    }

    /// @inheritdoc IProposals
    function suspend(Request calldata request_, Proposal calldata proposal) external {
        bytes32 id = request_.idOf();
        _requireArbiter(request_, id);
        Entry storage entry = _proposedEntry(id, proposal);
        uint256 endsAt = _windowEnd(request_, proposal);
        if (block.timestamp > endsAt) revert ChallengeWindowOver(id, endsAt, block.timestamp);

        bytes32 proposalHash = proposal.hashOf();
        entry.slot = RequestSlotLib.proposed(proposalHash, RequestStatus.Challenged);
        emit ProposalSuspended(id, msg.sender, proposalHash);
    }

    /// @inheritdoc IProposals
    function rule(
        Request calldata request_,
        Proposal calldata proposal,
        bytes calldata output,
        Verdict calldata verdict
    ) external {
        Submission memory submission = _submissionFor(verdict.signers, verdict.resolver, gasleft() + verdict.gasUsed);
        bytes32 id = request_.idOf();
        _requireArbiter(request_, id);
        Entry storage entry = _challengedEntry(id, proposal);
        if (submission.signerCount == 0) revert VerdictPaysNobody(id);
        bytes32 outputHash = EfficientHashLib.hashCalldata(output);

        if (outputHash == proposal.outputHash) _owe(proposal, submission);
        _conclude(request_, id, entry, output, outputHash, submission);
    }

    /// @inheritdoc IProposals
    function annul(Request calldata request_, Proposal calldata proposal) external {
        bytes32 id = request_.idOf();
        _requireArbiter(request_, id);
        _refund(request_, id, _challengedEntry(id, proposal));
    }

    /// @dev What `settle` does with a quorum's output when the request wants a window. Nobody is called.
    function _propose(
        Request calldata request_,
        bytes32 id,
        Entry storage entry,
        bytes calldata output,
        bytes32 outputHash,
        Submission memory submission
    ) internal {
        uint256 gasOwed;
        if (submission.submitterId != 0) {
            gasOwed = _priced(request_, submission.gasAtStart, SettlementGas.proposalTail(output.length));
            uint256 reserve = request_.funds.gasReserve();
            if (gasOwed > reserve) gasOwed = reserve;
        }
        Proposal memory proposal = Proposal({
            outputHash: outputHash,
            signers: submission.signers,
            proposedAt: uint40(block.timestamp),
            submitterId: submission.submitterId,
            gasOwed: uint96(gasOwed)
        });
        entry.slot = RequestSlotLib.proposed(proposal.hash(), RequestStatus.Proposed);
        emit OutputProposed(id, proposal, output);
    }

    /// @dev Pays the gas of a proposal that stands, and leaves that much less of the reserve.
    function _owe(Proposal calldata proposal, Submission memory submission) private {
        submission.gasOwed = proposal.gasOwed;
        _addEarnings(proposal.submitterId, NATIVE, proposal.gasOwed);
    }

    function _submissionFor(uint256 signers, address submitter, uint256 gasAtStart)
        private
        view
        returns (Submission memory)
    {
        uint32 submitterId = operators.operatorOf(submitter);
        if (!Signers.includes(signers, submitterId)) submitterId = 0;
        return Submission({
            submitter: submitter,
            gasAtStart: gasAtStart,
            signers: signers,
            signerCount: Signers.count(signers),
            submitterId: submitterId,
            gasOwed: 0
        });
    }

    function _requireWindowOver(Request calldata request_, bytes32 id, Proposal calldata proposal) private view {
        uint256 endsAt = _windowEnd(request_, proposal);
        if (block.timestamp <= endsAt) revert ChallengeWindowNotOver(id, endsAt, block.timestamp);
    }

    function _windowEnd(Request calldata request_, Proposal calldata proposal) private pure returns (uint256) {
        // Unchecked: 40 and 24 bits.
        unchecked {
            return uint256(proposal.proposedAt) + request_.opening.challengeWindow();
        }
    }

    function _requireArbiter(Request calldata request_, bytes32 id) private view {
        address arbiter = address(arbiterByIndex(request_.opening.arbiterIndex()));
        if (msg.sender != arbiter) revert NotArbiterOfRequest(id, arbiter, msg.sender);
    }

    function _proposedEntry(bytes32 id, Proposal calldata proposal) private view returns (Entry storage entry) {
        entry = _entries[id];
        RequestSlot slot = entry.slot;
        if (slot.status() != RequestStatus.Proposed) revert RequestNotProposed(id, slot.status());
        _requireProposal(id, slot, proposal, RequestStatus.Proposed);
    }

    function _challengedEntry(bytes32 id, Proposal calldata proposal) private view returns (Entry storage entry) {
        entry = _entries[id];
        RequestSlot slot = entry.slot;
        if (slot.status() != RequestStatus.Challenged) revert RequestNotChallenged(id, slot.status());
        _requireProposal(id, slot, proposal, RequestStatus.Challenged);
    }

    function _requireProposal(bytes32 id, RequestSlot slot, Proposal calldata proposal, RequestStatus status_)
        private
        pure
    {
        bytes32 proposalHash = proposal.hashOf();
        if (!slot.equals(RequestSlotLib.proposed(proposalHash, status_))) revert WrongProposal(id, proposalHash);
    }
}
