// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

import {OracleGovernance} from "./OracleGovernance.sol";
import {IModelRegistry} from "./interfaces/IModelRegistry.sol";
import {IOperatorRegistry} from "./interfaces/IOperatorRegistry.sol";
import {Asking} from "./oracle/Asking.sol";
import {RequestBook} from "./oracle/RequestBook.sol";
import {Settling} from "./oracle/Settling.sol";
import {OracleParameters} from "./types/OracleParameters.sol";

/// @title InferenceOracle
/// @notice Takes requests for inference, accepts what a quorum of drawn operators signed, pays and calls back.
/// @dev Put together from `oracle/`, one part for each stage of a request's life: `Asking`; `Settling`, which ends in
/// `Concluding` or, where there is a window, in `Challenging`; `CallingBack`; `Refunding`. `RequestBook` below them all
/// keeps one word a request. Each entry has one rhythm: derive, check, write, pay, log, call out. What it writes is final
/// before it calls out, and what it adds afterwards only adds, so re-entering gains nothing.
contract InferenceOracle is Asking, Settling {
    constructor(
        address owner_,
        address guardian_,
        IModelRegistry models_,
        IOperatorRegistry operators_,
        OracleParameters memory parameters_
    ) Ownable(owner_) OracleGovernance(parameters_, guardian_) RequestBook(models_, operators_) {}
}
