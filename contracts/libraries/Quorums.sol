// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IInferenceOracle} from "../interfaces/IInferenceOracle.sol";
import {IOperatorRegistry} from "../interfaces/IOperatorRegistry.sol";
import {Attestation} from "../types/Attestation.sol";
import {Enrolment} from "../types/Enrolment.sol";
import {Request} from "../types/Request.sol";
import {Submission} from "../types/Submission.sol";
import {Attestations} from "./Attestations.sol";
import {Seats} from "./Seats.sol";
import {Signers} from "./Signers.sol";
import {Draw, Sortition} from "./Sortition.sol";

/// @notice Whether signatures come from distinct drawn operators
library Quorums {
    using Sortition for Draw;

    /// @notice Reverts unless each attestation is of `digest`, by the attester of another operator in increasing order
    /// of ids, with a seat that was active when the request opened, and drawn. Notes down in `submission` who they are.
    /// @dev The caller checks how many there are: at most `Signers.MOST`.
    function verify(
        IOperatorRegistry operators,
        Request calldata request,
        Draw memory draw,
        bytes32 digest,
        Attestation[] calldata attestations,
        Submission memory submission
    ) internal view {
        uint32 previous;
        uint256 signers;
        uint256 count = attestations.length;
        for (uint256 i = 0; i < count; ++i) {
            // `attestations[i]`, three words each, without a check of what the loop's condition says.
            Attestation calldata attestation;
            assembly ("memory-safe") {
                attestation := add(attestations.offset, mul(i, 0x60))
            }
            uint32 operatorId = attestation.operatorId;
            if (operatorId <= previous) revert IInferenceOracle.SignersNotIncreasing(previous, operatorId);
            previous = operatorId;

            address attester = drawnAttester(operators, request, draw, operatorId);
            address signer = Attestations.recover(digest, attestation.r, attestation.vs);
            if (signer != attester) revert IInferenceOracle.WrongSignature(operatorId, attester, signer);
            if (signer == submission.submitter) submission.submitterId = operatorId;
            signers = signers << 32 | operatorId;
        }
        submission.signerCount = count;
        // Unchecked: see above.
        unchecked {
            submission.signers = signers << 32 * (Signers.MOST - count);
        }
    }

    /// @notice The key of a drawn operator; reverts if it is not drawn.
    function drawnAttester(IOperatorRegistry operators, Request calldata request, Draw memory draw, uint32 operatorId)
        internal
        view
        returns (address)
    {
        Enrolment seat = Seats.read(operators, request.modelId, operatorId);
        if (!seat.exists()) revert IInferenceOracle.SignerNotEnrolled(request.modelId, operatorId);
        if (seat.activeFrom() > request.opening.openedAt()) {
            revert IInferenceOracle.SeatNotActive(operatorId, seat.activeFrom(), request.opening.openedAt());
        }
        if (!draw.includes(operatorId, seat.weight())) {
            revert IInferenceOracle.SignerNotDrawn(operatorId, draw.round);
        }
        return seat.attester();
    }
}
