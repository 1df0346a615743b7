// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {OracleParameters} from "../types/OracleParameters.sol";
import {IArbiter} from "./IArbiter.sol";

/// @notice What the oracle's owner and guardian may do
/// @dev The owner is meant to be a timelock. Nothing here reaches an open request.
interface IOracleGovernance {
    /// @notice The parameters changed, for requests opened from now on.
    event ParametersChanged(OracleParameters parameters);
    /// @notice Another account may pause new requests.
    event GuardianChanged(address guardian);
    /// @notice No new requests until this time, unix seconds; 0 lets them in again.
    /// @param until Unix seconds from which requests are taken again; now or earlier means at once.
    event RequestsPaused(uint256 until);
    /// @notice An arbiter got an index, for ever.
    event ArbiterListed(uint8 indexed arbiterIndex, address indexed arbiter);
    /// @notice Requests with a challenge window name this arbiter from now on; 0 means that there are none such.
    event CurrentArbiterChanged(uint8 indexed arbiterIndex);

    error ParameterOutOfBounds(string name, uint256 value, uint256 minimum, uint256 maximum);
    error NotGuardian(address caller);
    error PauseTooLong(uint256 pauseSeconds, uint256 maximum);
    /// @notice The guardian's last pause ended too recently: it cannot string pauses together.
    error PauseTooSoon(uint256 allowedFrom, uint256 timestamp);
    error RequestsArePaused(uint256 until);
    error ArbiterHasNoCode(address arbiter);
    error ArbiterListFull();
    error ArbiterIndexUnknown(uint8 arbiterIndex);

    /// @notice Sets the parameters of requests to come; only the owner, within the bounds of `OracleParameters`.
    function setParameters(OracleParameters calldata parameters_) external;

    /// @notice Names the account that may pause new requests; only the owner.
    function setGuardian(address guardian_) external;

    /// @notice Lists an arbiter for ever under one index and makes it the current one; only the owner.
    /// @dev Warning: a listed arbiter decides alone who is paid for a challenged request that names it, and with what output.
    function listArbiter(IArbiter arbiter) external returns (uint8 arbiterIndex);

    /// @notice Names the arbiter of requests to come; 0 offers no challenge windows. Only the owner.
    function activateArbiter(uint8 arbiterIndex) external;

    /// @notice Refuses new requests for a while, at most three days and then not again for as long; only the guardian.
    function pauseRequests(uint256 pauseSeconds) external;

    /// @notice Ends a pause; only the owner.
    function resumeRequests() external;

    /// @notice The parameters that new requests take down.
    function parameters() external view returns (OracleParameters memory);

    /// @notice Index of the arbiter that new requests with a challenge window name; 0 if there is none.
    function arbiterInOffice() external view returns (uint8 arbiterIndex);

    /// @notice The arbiter at an index; index 0 is nobody.
    function arbiterByIndex(uint8 arbiterIndex) external view returns (IArbiter);

    /// @notice The account that may pause new requests.
    function guardian() external view returns (address);

    /// @notice Until when no new requests are let in, unix seconds.
    function pausedUntil() external view returns (uint256);
}
