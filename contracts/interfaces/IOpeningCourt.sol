// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {CourtParameters} from "../types/CourtParameters.sol";
import {DemandStatus, OpeningDemand} from "../types/OpeningDemand.sol";
import {Request} from "../types/Request.sol";
import {SignedCommitment} from "../types/SignedCommitment.sol";
import {SignedOutput} from "../types/SignedOutput.sol";

/// @notice Whoever attested an answer opens its own earlier commitment when asked, or loses a part of its stake
interface IOpeningCourt {
    /// @notice An operator has to open before `deadline`, unix seconds.
    event OpeningDemanded(
        bytes32 indexed demandId,
        uint32 indexed operatorId,
        address indexed demander,
        OpeningDemand demand,
        uint256 deadline
    );
    /// @notice The commitment agrees with what was attested; the bond is the operator's.
    event CommitmentOpened(bytes32 indexed demandId, bytes32 outputHash, bytes32 salt);
    /// @notice Nobody opened in time; the demander has its bond back.
    /// @param amount Wei of stake taken; 0 when this absence was punished before, or the court has lost its trust.
    /// @param reward The demander's part of it, to be withdrawn from the registry.
    event OpeningMissed(bytes32 indexed demandId, uint256 amount, uint256 reward);
    /// @notice Bonds were paid out.
    event BondsWithdrawn(address indexed owner, address to, uint256 amount);

    error ParameterOutOfBounds(string name, uint256 value, uint256 minimum, uint256 maximum);
    error WrongBond(uint256 value, uint256 bondWei);
    /// @notice Evidence counts only for oracles that the registry trusts.
    error OracleNotTrusted(address oracle);
    error ModelNotPublished(bytes32 modelId);
    /// @notice The request opened too long ago.
    error DemandTooLate(uint256 openedAt, uint256 latest, uint256 timestamp);
    /// @notice Commitment and attestation were not signed by one operator's keys; 0 is nobody.
    error SignersDiffer(uint32 committed, uint32 attested);
    error AlreadyDemanded(bytes32 demandId);
    error DemandNotPending(bytes32 demandId, DemandStatus status);
    /// @notice Within a tolerance, float64 tensors have no comparison on chain.
    error OutputNotComparable(bytes32 outputHash);
    /// @notice The bytes are not those of the hash.
    error OutputHashDiffers(bytes32 expected, bytes32 actual);
    /// @notice Output and salt are not what the operator committed to.
    error CommitmentDiffers(bytes32 expected, bytes32 actual);
    /// @notice What the operator committed to is another answer than what it attested.
    error AnswersDisagree(bytes32 committedHash, bytes32 attestedHash);
    error OpeningStillPossible(uint256 deadline, uint256 timestamp);
    error NoBonds(address owner);

    /// @notice Demands that an operator opens its commitment. The attached value is the bond.
    /// Requirements:
    /// - the registry trusts the oracle, and the request opened at most `demandSeconds` ago;
    /// - commitment and attestation are signed by keys that belong, or once belonged, to one operator;
    /// - nobody demanded the same before: this commitment, held against this output.
    /// @param viewNumber The view that the output was attested in.
    /// @param attestedOutput The attested output; empty for `exact` models, whose hashes are compared.
    function demand(
        address oracle,
        Request calldata request,
        SignedCommitment calldata committed,
        uint32 viewNumber,
        SignedOutput calldata attested,
        bytes calldata attestedOutput
    ) external payable returns (bytes32 demandId);

    /// @notice Opens a commitment, for whoever can; the bond goes to the operator's owner. Counts until somebody calls
    /// `close`, also after the deadline. Of equal hashes, and for `exact` models, the outputs themselves may be empty.
    function open(
        OpeningDemand calldata demanded,
        bytes32 outputHash,
        bytes32 salt,
        bytes calldata output,
        bytes calldata attestedOutput
    ) external;

    /// @notice Ends a demand that nobody met: a part of the operator's stake is taken, once for one absence, and the
    /// demander gets its bond back and the reporter's share.
    function close(OpeningDemand calldata demanded) external;

    /// @notice Pays out the bonds that belong to the caller.
    function withdrawBonds(address to) external returns (uint256 amount);

    /// @notice Bonds that belong to an account, in wei.
    function bondsOf(address account) external view returns (uint256);

    /// @notice Who demanded, when the operator's time is over (unix seconds), and what became of it.
    function demandOf(bytes32 demandId) external view returns (address demander, uint256 deadline, DemandStatus status);

    /// @notice The court's parameters.
    function parameters() external view returns (CourtParameters memory);
}
