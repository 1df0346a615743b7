// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ModelTerms} from "../types/ModelTerms.sol";

/// @notice What a request costs and who gets it
library Fees {
    uint256 private constant BPS = 10_000;
    uint256 private constant KIB = 1024;

    /// @notice The two parts of a request's fee, in token units: each of `quorum` paid runs costs the model's price, and
    /// its surcharge for every started KiB of input.
    /// @param quorum At most 8 bits.
    /// @param inputSize At most 64 bits.
    function price(ModelTerms terms, uint256 quorum, uint256 inputSize)
        internal
        pure
        returns (uint256 executions, uint256 inputSurcharge)
    {
        // Unchecked: 96 + 8 + 64 bits fit.
        unchecked {
            executions = terms.pricePerExecution() * quorum;
            inputSurcharge = terms.pricePerKiB() * quorum * ((inputSize + KIB - 1) / KIB);
        }
    }

    /// @notice The part of `fee` that `bps` basis points are, rounded down.
    function share(uint256 fee, uint16 bps) internal pure returns (uint256) {
        return fee * bps / BPS;
    }

    /// @notice A fee's three parts. What does not divide among the signers is the protocol's.
    /// @dev The caller sees to `royaltyBps + protocolBps <= 10000`: the registry and the oracle bound them to 7000.
    function split(uint96 fee, uint16 royaltyBps, uint16 protocolBps, uint256 signers)
        internal
        pure
        returns (uint256 perSigner, uint256 royalty, uint256 protocolShare)
    {
        // Unchecked: 96 + 16 bits fit, and the parts are no more than the whole.
        unchecked {
            royalty = uint256(fee) * royaltyBps / BPS;
            perSigner = (fee - royalty - uint256(fee) * protocolBps / BPS) / signers;
            protocolShare = fee - royalty - perSigner * signers;
        }
    }
}
