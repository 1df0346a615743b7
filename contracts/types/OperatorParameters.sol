// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice The operator registry's bounded parameters.
/// @param minStakeWei Smallest stake of an operator, 0.001 to 1000 ether (of the chain's native coin).
/// @param maxStakeWei Stake above this adds no weight, so that no operator can own the draw; at least `minStakeWei`
/// and at most 100000 ether.
/// @param activationSeconds Seconds from taking or changing a seat until requests count it, 1 to 604800.
/// @param unbondingSeconds Seconds that leaving stake stays slashable, 2 days to 90 days: longer than any request lives.
/// @param reporterBps Part of a slash that its reporter gets, at most 4999: less than half, so that reporting oneself
/// never pays.
/// @param missedOpeningBps Part of its stake that an operator loses for `Offence.MissedOpening`, at most 1000.
/// @param overturnedBps Part of its stake that an operator loses for `Offence.OverturnedOutput`, at most 5000.
/// @param jailSeconds How long a punished operator can take no seat, at most 30 days.
struct OperatorParameters {
    uint96 minStakeWei;
    uint96 maxStakeWei;
    uint24 activationSeconds;
    uint24 unbondingSeconds;
    uint16 reporterBps;
    uint16 missedOpeningBps;
    uint16 overturnedBps;
    uint24 jailSeconds;
}
