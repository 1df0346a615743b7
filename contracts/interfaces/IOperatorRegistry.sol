// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Enrolment} from "../types/Enrolment.sol";
import {Offence} from "../types/Offence.sol";
import {OperatorParameters} from "../types/OperatorParameters.sol";
import {Request} from "../types/Request.sol";
import {SignedOutput} from "../types/SignedOutput.sol";
import {IModelRegistry} from "./IModelRegistry.sol";

/// @notice Operators: stake, attester keys, and which models each one serves
interface IOperatorRegistry {
    /// @notice An operator registered.
    /// @param endpoint Where peers dial the operator: a libp2p multiaddr.
    event OperatorRegistered(
        uint32 indexed operatorId, address indexed owner, address indexed attester, string endpoint
    );
    /// @notice Peers dial an operator elsewhere from now on.
    event EndpointChanged(uint32 indexed operatorId, string endpoint);
    /// @notice An operator signs with another key, for requests opened after its seats' activation.
    event AttesterRotated(uint32 indexed operatorId, address indexed attester);
    /// @notice An operator's stake changed; in wei.
    event StakeChanged(uint32 indexed operatorId, uint256 stake);
    /// @notice Stake is leaving; it stays slashable until `releasedAt`, unix seconds.
    event UnbondingBegun(uint32 indexed operatorId, uint256 amount, uint256 releasedAt);
    /// @notice Stake that had left was paid out.
    event UnbondedWithdrawn(uint32 indexed operatorId, address to, uint256 amount);
    /// @notice A seat was taken, changed or (zero) left. Off chain, these events are the list of seats.
    event EnrolmentChanged(bytes32 indexed modelId, uint32 indexed operatorId, Enrolment enrolment, uint64 totalWeight);
    /// @notice An operator signed two outputs where it may sign one, and lost all it had at stake.
    event EquivocationSlashed(
        uint32 indexed operatorId, bytes32 indexed requestId, address indexed reporter, uint256 amount, uint256 reward
    );
    /// @notice A judge took a part of an operator's stake and all its seats; it takes none before `jailedUntil`.
    event OperatorPunished(
        uint32 indexed operatorId,
        address indexed judge,
        address indexed reporter,
        Offence offence,
        uint256 amount,
        uint256 reward,
        uint256 jailedUntil
    );
    /// @notice A reporter took its share of slashes.
    event RewardsWithdrawn(address indexed reporter, address to, uint256 amount);
    /// @notice Equivocation on this oracle is punishable from now on.
    event OracleTrusted(address indexed oracle);
    /// @notice This contract may punish operators from now on.
    event JudgeTrusted(address indexed judge);
    /// @notice This contract may punish nobody any more.
    event JudgeDistrusted(address indexed judge);
    /// @notice The registry's parameters changed.
    event ParametersChanged(OperatorParameters parameters);
    /// @notice What slashes took was paid out.
    event SlashedFundsWithdrawn(address to, uint256 amount);
    /// @notice Wei that others took, such as a lost bond, joined what slashes took.
    event SlashedFundsAdded(address indexed from, uint256 amount);

    /// @notice The caller registered no operator.
    error NotAnOperator(address caller);
    error UnknownOperator(uint32 operatorId);
    /// @notice One owner has at most one operator.
    error OwnerAlreadyRegistered(address owner, uint32 operatorId);
    /// @notice The address is, or once was, somebody's attester.
    error AttesterAlreadyUsed(address attester, uint32 operatorId);
    /// @notice The consent was not signed by the attester for this owner.
    error WrongConsent(address owner, address attester, address recovered);
    error StakeTooLow(uint256 stake, uint256 minimum);
    error UnbondingExceedsStake(uint256 amount, uint256 stake);
    error NothingUnbonding(uint32 operatorId);
    error StillUnbonding(uint32 operatorId, uint256 releasedAt, uint256 timestamp);
    error OperatorSlashed(uint32 operatorId);
    /// @notice A punished operator takes no seat before `until`, unix seconds.
    error OperatorJailed(uint32 operatorId, uint256 until);
    error TooManyEnrolments(uint32 operatorId, uint256 maximum);
    error AlreadyEnrolledSo(bytes32 modelId, uint32 operatorId);
    error NotEnrolled(bytes32 modelId, uint32 operatorId);
    /// @notice Evidence counts only for oracles that the owner named.
    error OracleNotTrusted(address oracle);
    error SameOutput(bytes32 outputHash);
    /// @notice Two outputs in two views prove something only where honest outputs cannot differ.
    error ModelNotExact(bytes32 modelId);
    /// @notice The two signatures do not come from one operator's keys.
    error SignersDiffer(uint32 first, uint32 second);
    /// @notice Only judges that the owner named may punish.
    error JudgeNotTrusted(address caller);
    error NoRewards(address reporter);
    error ParameterOutOfBounds(string name, uint256 value, uint256 minimum, uint256 maximum);

    /// @notice Registers the caller as an operator with the attached value as stake.
    /// @param attester The key that will sign; an address is never reused.
    /// @param consent The attester's EIP-712 signature over `AttesterConsent(address owner,address attester)`.
    function register(address attester, bytes calldata consent, string calldata endpoint)
        external
        payable
        returns (uint32 operatorId);

    /// @notice Takes a seat for a model, or refreshes the weight of one after a change of stake.
    /// Counts for requests opened after the activation delay.
    function enroll(bytes32 modelId) external;

    /// @notice Gives the seat up, at once.
    function unenroll(bytes32 modelId) external;

    /// @notice Says where peers dial the caller's operator: a libp2p multiaddr.
    function setEndpoint(string calldata endpoint) external;

    /// @notice Changes the key that signs, for requests opened from the next second on.
    function rotateAttester(address attester, bytes calldata consent) external;

    /// @notice Adds the attached value to an operator's stake. Seats keep their weight until `enroll` is called again, so
    /// that a stranger's gift cannot reset their activation.
    function addStake(uint32 operatorId) external payable;

    /// @notice Takes `amount` out of the stake; it can be withdrawn after the unbonding time, and slashed until it is.
    /// What stays is nothing, or at least the minimum. Every seat is rewritten, and activates anew.
    function beginUnbonding(uint256 amount) external;

    /// @notice Pays out stake whose unbonding time is over.
    function withdrawUnbonded(address to) external returns (uint256 amount);

    /// @notice Proves that one operator signed two outputs for one request in one view, and takes all its stake.
    /// @param oracle The oracle that the request belongs to.
    /// @return amount Wei taken, of which a part is the caller's reward.
    function slashEquivocation(
        address oracle,
        bytes32 requestId,
        uint32 viewNumber,
        SignedOutput calldata first,
        SignedOutput calldata second
    ) external returns (uint256 amount);

    /// @notice Proves that one operator signed two outputs of an exact model for one request, in whatever views, and takes
    /// all its stake: honest runs of an exact model give one output only.
    /// @param request Binds the model to the request's id; its profile is the registered one.
    /// @return amount Wei taken, of which a part is the caller's reward.
    function slashCrossViewEquivocation(
        address oracle,
        Request calldata request,
        uint32 firstView,
        SignedOutput calldata first,
        uint32 secondView,
        SignedOutput calldata second
    ) external returns (uint256 amount);

    /// @notice Takes the offence's part of an operator's stake, of what stays and of what is leaving alike, and all its
    /// seats; until its term is over it takes none. An operator that was slashed already has nothing to lose.
    /// Only judges that the owner trusts.
    /// @param reporter Who gets the reporter's share; the zero address leaves it to the slashed funds.
    /// @return amount Wei taken.
    /// @return reward The reporter's part of it, to be withdrawn.
    function punish(uint32 operatorId, Offence offence, address reporter)
        external
        returns (uint256 amount, uint256 reward);

    /// @notice Adds the attached value to the slashed funds: where judges leave the bonds that nobody gets.
    function addSlashedFunds() external payable;

    /// @notice Pays out the caller's rewards.
    function withdrawRewards(address to) external returns (uint256 amount);

    /// @notice What a reporter may withdraw, in wei.
    function rewardsOf(address reporter) external view returns (uint256);

    /// @notice Slashed wei that belongs to nobody yet.
    function slashedFunds() external view returns (uint256);

    /// @notice Whether attestations for `oracle` are evidence.
    function isTrustedOracle(address oracle) external view returns (bool);

    /// @notice Whether `judge` may punish operators.
    function isTrustedJudge(address judge) external view returns (bool);

    /// @notice When a punished operator may take seats again, unix seconds; 0 if it never was punished.
    function jailedUntil(uint32 operatorId) external view returns (uint256);

    /// @notice An operator's seat for a model; zero when it has none.
    function enrolmentOf(bytes32 modelId, uint32 operatorId) external view returns (Enrolment);

    /// @notice Sum of the weights of a model's seats, active or not yet.
    function totalWeightOf(bytes32 modelId) external view returns (uint64);

    /// @notice Total weight and number of a model's seats.
    function seatTotalsOf(bytes32 modelId) external view returns (uint64 totalWeight, uint32 seats);

    /// @notice The models that an operator has a seat for.
    function modelsOf(uint32 operatorId) external view returns (bytes32[] memory);

    /// @notice The operator that an attester key belongs, or once belonged, to; 0 if none.
    function operatorOf(address attester) external view returns (uint32);

    /// @notice The operator that an owner registered; 0 if none.
    function operatorOfOwner(address owner) external view returns (uint32);

    /// @notice The key that an operator signs with.
    function attesterOf(uint32 operatorId) external view returns (address);

    /// @notice The account that an operator belongs to.
    function ownerOf(uint32 operatorId) external view returns (address);

    /// @notice An operator's stake in wei, without what is leaving.
    function stakeOf(uint32 operatorId) external view returns (uint256);

    /// @notice Stake on its way out, and when it may leave.
    function unbondingOf(uint32 operatorId) external view returns (uint256 amount, uint256 releasedAt);

    /// @notice Keeps the totals of all seats, beside the terms and profiles of the models.
    function models() external view returns (IModelRegistry);

    /// @notice The registry's parameters.
    function parameters() external view returns (OperatorParameters memory);
}
