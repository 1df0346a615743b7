// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IModelRegistry} from "./interfaces/IModelRegistry.sol";
import {OperatorSeats} from "./registry/OperatorSeats.sol";
import {OperatorSlashing} from "./registry/OperatorSlashing.sol";
import {RegistryGovernance} from "./registry/RegistryGovernance.sol";
import {OperatorParameters} from "./types/OperatorParameters.sol";

/// @title OperatorRegistry
/// @notice Who may be drawn, with what weight and which key, and what each one has to lose.
/// @dev The parts, each on the one before: `RegistryGovernance`, `OperatorSeats`, `OperatorStake`, `OperatorSlashing`.
/// Its balance is what operators have at stake and unbonding, the slashed funds, and the rewards of reporters.
contract OperatorRegistry is OperatorSlashing {
    constructor(address owner_, IModelRegistry models_, OperatorParameters memory parameters_)
        RegistryGovernance(owner_, parameters_)
        OperatorSeats(models_)
    {}
}
