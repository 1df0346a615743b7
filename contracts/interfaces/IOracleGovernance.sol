// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {OracleParameters} from "../types/OracleParameters.sol";

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

    error ParameterOutOfBounds(string name, uint256 value, uint256 minimum, uint256 maximum);
    error NotGuardian(address caller);
    error PauseTooLong(uint256 pauseSeconds, uint256 maximum);
    /// @notice The guardian's last pause ended too recently: it cannot string pauses together.
    error PauseTooSoon(uint256 allowedFrom, uint256 timestamp);
    error RequestsArePaused(uint256 until);

    /// @notice Sets the parameters of requests to come; only the owner, within the bounds of `OracleParameters`.
    function setParameters(OracleParameters calldata parameters_) external;

    /// @notice Names the account that may pause new requests; only the owner.
    function setGuardian(address guardian_) external;

    /// @notice Refuses new requests for a while, at most three days and then not again for as long; only the guardian.
    function pauseRequests(uint256 pauseSeconds) external;

    /// @notice Ends a pause; only the owner.
    function resumeRequests() external;

    /// @notice The parameters that new requests take down.
    function parameters() external view returns (OracleParameters memory);

    /// @notice The account that may pause new requests.
    function guardian() external view returns (address);

    /// @notice Until when no new requests are let in, unix seconds.
    function pausedUntil() external view returns (uint256);
}
