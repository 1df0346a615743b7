// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Attestation} from "../types/Attestation.sol";
import {ModelStatus} from "../types/ModelTerms.sol";
import {Policy} from "../types/Policy.sol";
import {Quote} from "../types/Quote.sol";
import {Request} from "../types/Request.sol";
import {RequestFunds} from "../types/RequestFunds.sol";
import {RequestParams} from "../types/RequestParams.sol";
import {RequestStatus} from "../types/RequestStatus.sol";
import {Settlement} from "../types/Settlement.sol";

/// @notice The contract that a consumer asks for inference
interface IInferenceOracle {
    /// @notice A request opened: all that a node needs to answer it.
    event RequestOpened(
        bytes32 indexed requestId, bytes32 indexed modelId, address indexed consumer, Request request, bytes input
    );

    /// @notice A quorum agreed; the output was paid for and handed to the consumer.
    /// @param signers The signers' operator ids, eight of 32 bits, the first one highest.
    /// @param gasPaid Wei of the gas reserve that went to who submitted; the rest is the consumer's credit.
    event RequestSettled(bytes32 indexed requestId, uint256 signers, uint256 gasPaid, bytes output);

    /// @notice The consumer's callback reverted or ran out of gas; `redeliver` may try again.
    /// @dev Follows the request's `RequestSettled` in the same transaction.
    /// @param reason The first bytes that it returned.
    event CallbackFailed(bytes32 indexed requestId, bytes reason);

    /// @notice A callback that had failed was delivered.
    event Redelivered(bytes32 indexed requestId);

    /// @notice Nobody answered in time, or a challenge ended without a verdict: the whole payment became the consumer's credit.
    /// @param refunded The request's own `funds`: its fee and its gas reserve, in one word.
    event RequestExpired(bytes32 indexed requestId, RequestFunds refunded);

    /// @notice The consumer's `onExpired` reverted or ran out of gas; the refund is its credit all the same.
    event ExpiryCallbackFailed(bytes32 indexed requestId, bytes reason);

    /// @notice An item of a batch did not settle; the others went on.
    /// @param reason What `settle` would have reverted with, cut to its first bytes.
    event SettlementRefused(bytes32 indexed requestId, bytes reason);

    // Asking

    /// @notice The model was never published, or is retired.
    error ModelNotActive(bytes32 modelId, ModelStatus status);
    /// @notice Not enough operators have a seat for the model to ever reach the quorum.
    error TooFewOperators(bytes32 modelId, uint256 seats, uint256 quorum);
    error QuorumOutOfBounds(uint8 quorum, uint8 committeeSize, uint8 maximum);
    /// @notice No arbiter is current, so there is nobody to challenge an output before.
    error ChallengeWindowNotOffered(uint32 challengeWindow);
    error InputTooLong(uint256 length, uint256 maximum);
    error CallbackGasTooHigh(uint256 callbackGasLimit, uint256 maximum);
    /// @notice The deadline is not after now, or after the longest lifetime.
    error DeadlineOutOfBounds(uint256 deadline, uint256 timestamp, uint256 latest);
    error FeeAboveMaximum(uint256 fee, uint256 maxFee);
    /// @notice 256 identical requests are open in this block already.
    error TooManyIdenticalRequests(bytes32 modelId, address consumer);

    // Settling

    error RequestNotOpen(bytes32 requestId, RequestStatus status);
    error DeadlinePassed(bytes32 requestId, uint256 deadline, uint256 timestamp);
    error ViewOutOfBounds(uint256 viewNumber, uint256 maximum);
    error QuorumNotMet(uint256 attestations, uint256 quorum);
    /// @notice Operator ids must increase, so that nobody counts twice.
    error SignersNotIncreasing(uint32 previous, uint32 next);
    error SignerNotEnrolled(bytes32 modelId, uint32 operatorId);
    /// @notice The seat was taken or changed too late for this request.
    error SeatNotActive(uint32 operatorId, uint256 activeFrom, uint256 openedAt);
    error SignerNotDrawn(uint32 operatorId, uint256 round);
    /// @notice The signature is not by the operator's attester for this request, output, view, oracle and chain.
    error WrongSignature(uint32 operatorId, address attester, address recovered);
    /// @notice Too little gas is left to give the callback what the consumer paid for.
    error NotEnoughGas(uint256 left, uint256 needed);
    error OnlySelf(address caller);

    // After

    error DeadlineNotPassed(bytes32 requestId, uint256 deadline, uint256 timestamp);
    error NothingToRedeliver(bytes32 requestId, RequestStatus status);
    error WrongOutput(bytes32 requestId, bytes32 outputHash);
    error RedeliveryFailed(bytes32 requestId, bytes reason);

    /// @notice Opens a request, paid with the attached value and then the caller's credit; an excess becomes credit.
    /// A fee in a token is paid with the caller's credit and then its allowance.
    /// @dev Never calls the caller back.
    /// @return requestId `keccak256(abi.encode(request))` of the request as logged.
    function request(RequestParams calldata params) external payable returns (bytes32 requestId);

    /// @notice Opens several requests with one payment; all or none.
    function requestBatch(RequestParams[] calldata params) external payable returns (bytes32[] memory requestIds);

    /// @notice Settles a request with a quorum's attestations and hands the output to its consumer. A request that wants a
    /// challenge window gets as far as `RequestStatus.Proposed`: see `IProposals`.
    /// @dev A callback that fails does not revert the settlement, so a broken consumer cannot keep operators unpaid.
    /// Requirements:
    /// - the request is open, its deadline not passed, and the block after its own has begun;
    /// - each signer was enrolled when the request opened, is drawn by now, and signed with its attester key.
    ///
    /// The gas is repaid only to a signer that submits with its attester key, so copying a settlement earns nothing.
    /// @param viewNumber The view that all attestations were signed in; at most 32 bits. Its type is wider because the
    /// compiler tries functions in the order of their selectors, and this one's would come last: 700 gas of each settlement.
    /// @param attestations Exactly `quorum` of them, in increasing order of operator id.
    function settle(
        Request calldata request_,
        bytes calldata output,
        uint256 viewNumber,
        Attestation[] calldata attestations
    ) external;

    /// @notice Settles what can be settled of several requests; one that cannot holds no other back.
    /// @dev The items must lie in the calldata one after the other, as every ABI encoder puts them.
    /// @return results For each item zero if it settled, else the selector of the error that refused it.
    function settleBatch(Settlement[] calldata items) external returns (bytes4[] memory results);

    /// @notice Closes a request whose deadline has passed and refunds all of it as the consumer's credit.
    /// @dev Then tells the consumer, with at most 150,000 gas; its failure changes nothing.
    function expire(Request calldata request_) external;

    /// @notice Calls back again, with all the gas given, after a callback that failed. Succeeds at most once.
    /// @dev Needs at least the gas that the consumer asked for, so that nobody can choose a poorer delivery.
    function redeliver(Request calldata request_, bytes calldata output) external;

    /// @notice What a request would cost now.
    function quote(
        bytes32 modelId,
        uint256 inputSize,
        Policy calldata policy,
        uint256 callbackGasLimit,
        uint64 maxGasPrice
    ) external view returns (Quote memory);

    /// @notice Where a request stands.
    function status(bytes32 requestId) external view returns (RequestStatus);

    /// @notice Whether `output` is what settled `requestId`.
    function verifyOutput(bytes32 requestId, bytes calldata output) external view returns (bool);
}
