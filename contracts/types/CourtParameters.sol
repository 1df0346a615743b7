// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice The opening court's parameters, fixed when it is deployed.
/// @param bondWei What a demand costs if the operator can open; it pays the opening's gas. 0.0001 to 10 ether.
/// @param demandSeconds How long after a request opened its operators may be asked, 10 minutes to 24 hours.
/// @param openingSeconds How long an operator has to open, 10 minutes to 12 hours.
/// @dev At most 36 hours together: punishment comes before stake that began to leave during the request is gone, because
/// unbonding takes two days or more.
struct CourtParameters {
    uint96 bondWei;
    uint32 demandSeconds;
    uint32 openingSeconds;
}
