// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Proposal} from "../types/Proposal.sol";
import {Request} from "../types/Request.sol";
import {RequestStatus} from "../types/RequestStatus.sol";
import {Verdict} from "../types/Verdict.sol";

/// @notice Outputs that wait until their challenge window is over
/// @dev `Open -> Proposed` by `settle`; `Proposed -> Settled` by `finalize`, or `Proposed -> Challenged` by the arbiter's
/// `suspend`; `Challenged -> Settled` by its `rule`, or back to nothing, all refunded, by its `annul`. Until a request is
/// settled nothing is paid, nobody is called back and `verifyOutput` is false.
interface IProposals {
    /// @notice A quorum agreed on an output that may now be challenged.
    event OutputProposed(bytes32 indexed requestId, Proposal proposal, bytes output);

    /// @notice The request's arbiter took up a challenge: the proposal cannot be finalized any more.
    event ProposalSuspended(bytes32 indexed requestId, address indexed arbiter, bytes32 proposalHash);

    /// @notice The request's policy wants a longer window than the oracle allows.
    error ChallengeWindowTooLong(uint32 challengeWindow, uint256 maximum);
    error RequestNotProposed(bytes32 requestId, RequestStatus status);
    error RequestNotChallenged(bytes32 requestId, RequestStatus status);
    /// @notice The request was proposed, but not as said.
    error WrongProposal(bytes32 requestId, bytes32 proposalHash);
    error ChallengeWindowNotOver(bytes32 requestId, uint256 endsAt, uint256 timestamp);
    error ChallengeWindowOver(bytes32 requestId, uint256 endsAt, uint256 timestamp);
    error NotArbiterOfRequest(bytes32 requestId, address arbiter, address caller);
    error VerdictPaysNobody(bytes32 requestId);

    /// @notice Settles a request whose proposal nobody challenged in time: pays, repays gas, calls back.
    /// @dev Requirements:
    /// - the proposal is the request's, `output` is what it names, and its window is over;
    /// - the request's deadline does not matter: the proposal came before it.
    ///
    /// The gas is repaid only to a signer that submits with its attester key.
    function finalize(Request calldata request_, Proposal calldata proposal, bytes calldata output) external;

    /// @notice Stops a proposal from being finalized, once; only the request's arbiter, before the window is over.
    function suspend(Request calldata request_, Proposal calldata proposal) external;

    /// @notice Settles a suspended request with `output`, whichever it is, and pays `verdict.signers` for it; only the
    /// request's arbiter. The proposal's submitter gets its gas if `output` is what it proposed.
    function rule(
        Request calldata request_,
        Proposal calldata proposal,
        bytes calldata output,
        Verdict calldata verdict
    ) external;

    /// @notice Refunds a suspended request as `expire` does; only the request's arbiter.
    function annul(Request calldata request_, Proposal calldata proposal) external;
}
