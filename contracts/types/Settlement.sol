// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Attestation} from "./Attestation.sol";
import {Request} from "./Request.sol";

/// @notice One item of a batch: what `settle` takes.
struct Settlement {
    Request request;
    bytes output;
    uint32 viewNumber;
    Attestation[] attestations;
}
