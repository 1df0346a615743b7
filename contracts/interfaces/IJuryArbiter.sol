// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Attestation} from "../types/Attestation.sol";
import {Dispute} from "../types/Dispute.sol";
import {Proposal} from "../types/Proposal.sol";
import {Request} from "../types/Request.sol";
import {IArbiter} from "./IArbiter.sol";

/// @notice Where a dispute stands.
enum DisputeStatus {
    None,
    Open,
    Upheld,
    Overturned,
    Lapsed
}

/// @notice An arbiter that has a larger draw of operators run the model again
/// @dev A jury is drawn as a request's operators are, with `2c + 1` seats for a committee of `c`, from the dispute's id and
/// the hash of the block that the challenge came in. `c + 1` jurors must agree. Nobody who signed the proposal sits on it.
interface IJuryArbiter is IArbiter {
    /// @notice Somebody put up the bond against a proposal. All that jurors need, with the request's own event.
    event ProposalChallenged(
        bytes32 indexed disputeId, bytes32 indexed requestId, address indexed challenger, Dispute dispute
    );
    /// @notice The jury came to the proposal's output; the bond is gone.
    /// @param jurors Who agreed, eight operator ids of 32 bits, the first one highest.
    event ProposalUpheld(bytes32 indexed disputeId, bytes32 indexed requestId, uint256 jurors);
    /// @notice The jury came to another output; it settled the request, and the proposal's signers were punished.
    event ProposalOverturned(bytes32 indexed disputeId, bytes32 indexed requestId, uint256 jurors, bytes32 outputHash);
    /// @notice No jury agreed in time: the request was refunded, and the challenger has its bond back.
    event DisputeLapsed(bytes32 indexed disputeId, bytes32 indexed requestId);

    error BondOutOfBounds(uint256 bondWei, uint256 minimum);
    error VerdictTimeOutOfBounds(uint256 verdictSeconds, uint256 minimum, uint256 maximum);
    error WrongBond(uint256 value, uint256 bondWei);
    error CommitteeTooLargeToJudge(uint8 committeeSize, uint8 maximum);
    error QuorumTooLargeToJudge(uint8 quorum, uint8 maximum);
    error DisputeNotOpen(bytes32 disputeId, DisputeStatus status);
    error VerdictTimeOver(bytes32 disputeId, uint256 endsAt, uint256 timestamp);
    error VerdictTimeNotOver(bytes32 disputeId, uint256 endsAt, uint256 timestamp);
    error JurySizeNotMet(uint256 attestations, uint256 needed);
    /// @notice Who signed the proposal cannot judge it.
    error JurorSignedProposal(uint32 operatorId);

    /// @notice Disputes a proposal before its window is over, with exactly `bondWei` attached.
    /// @dev The bond comes back, as the caller's credit at the oracle, if the proposal falls or nobody decides. If the proposal
    /// stands, half of it is slashed, and the rest is split between jurors and signers.
    /// @return disputeId What jurors sign in place of a request's id.
    function challenge(Request calldata request, Proposal calldata proposal)
        external
        payable
        returns (bytes32 disputeId);

    /// @notice Ends a dispute with a jury's attestations of `output` for the dispute's id.
    /// @dev Requirements:
    /// - the dispute is open, its verdict time not over, and the block after the challenge's has begun;
    /// - each juror had an active seat when the request opened, is drawn by now, signed no part of the proposal, and signed
    ///   with its attester key.
    ///
    /// If `output` is what was proposed, the proposal's signers are paid as without the challenge. If not, the jurors are
    /// paid the fee, the proposal's signers are punished, and the challenger gets the reporter's part of that.
    /// @param viewNumber The view that all attestations were signed in.
    /// @param attestations Exactly `c + 1` of them, in increasing order of operator id.
    function resolve(
        Request calldata request,
        Dispute calldata dispute,
        bytes calldata output,
        uint32 viewNumber,
        Attestation[] calldata attestations
    ) external;

    /// @notice Ends a dispute whose verdict time is over: the request is refunded in full, the bond goes back.
    function lapse(Request calldata request, Dispute calldata dispute) external;

    /// @notice Where a dispute stands.
    function disputeStatus(bytes32 disputeId) external view returns (DisputeStatus);

    /// @notice Wei that a challenge costs.
    function bondWei() external view returns (uint256);

    /// @notice Seconds from a challenge in which a jury may decide, the last one included.
    function verdictSeconds() external view returns (uint256);
}
