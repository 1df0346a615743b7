// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {EIP712} from "solady/utils/EIP712.sol";
import {EfficientHashLib} from "solady/utils/EfficientHashLib.sol";
import {LibCall} from "solady/utils/LibCall.sol";

import {IInferenceOracle} from "../interfaces/IInferenceOracle.sol";
import {Attestations} from "../libraries/Attestations.sol";
import {BlockHashes} from "../libraries/BlockHashes.sol";
import {Quorums} from "../libraries/Quorums.sol";
import {SettlementGas} from "../libraries/SettlementGas.sol";
import {Draw, Sortition} from "../libraries/Sortition.sol";
import {Attestation} from "../types/Attestation.sol";
import {Request} from "../types/Request.sol";
import {Settlement} from "../types/Settlement.sol";
import {Submission} from "../types/Submission.sol";
import {Challenging} from "./Challenging.sol";

/// @title Settling
/// @notice How a quorum's signatures settle a request, or propose an output where the request wants a challenge window.
abstract contract Settling is Challenging, EIP712 {
    /// @inheritdoc IInferenceOracle
    function settle(
        Request calldata request_,
        bytes calldata output,
        uint256 viewNumber,
        Attestation[] calldata attestations
    ) external {
        uint256 gasAtStart = gasleft() + SettlementGas.TRANSACTION;
        if (viewNumber > type(uint32).max) revert ViewOutOfBounds(viewNumber, type(uint32).max);
        Submission memory submission;
        (submission.submitter, submission.gasAtStart) = (msg.sender, gasAtStart);
        _settle(request_, output, uint32(viewNumber), attestations, submission);
    }

    /// @inheritdoc IInferenceOracle
    function settleBatch(Settlement[] calldata items) external returns (bytes4[] memory results) {
        results = new bytes4[](items.length);
        uint256 shareOfTransaction = SettlementGas.batchShare(items.length);
        uint256 start = items.length == 0 ? 0 : _placeOf(items[0]);
        for (uint256 i = 0; i < items.length; ++i) {
            uint256 end = i + 1 < items.length ? _placeOf(items[i + 1]) : msg.data.length;
            (bool settled, bytes memory reason) = _settleAlone(msg.data[start:end], shareOfTransaction);
            start = end;
            if (settled) continue;
            results[i] = reason.length < 4 ? NotEnoughGas.selector : bytes4(reason);
            emit SettlementRefused(items[i].request.idOf(), reason);
        }
    }

    /// @dev Calls `settleFromBatch` with the item's own bytes, because to decode them here only to encode them again
    /// would cost each item 2,000 gas. All offsets inside an item count from its beginning, so it means the same elsewhere.
    function _settleAlone(bytes calldata item, uint256 shareOfTransaction)
        private
        returns (bool settled, bytes memory reason)
    {
        uint256 freeMemory;
        assembly ("memory-safe") {
            freeMemory := mload(0x40)
        }
        // An argument of dynamic size comes as its place behind the selector: after three words.
        bytes memory call = abi.encodePacked(
            this.settleFromBatch.selector, uint256(3 * 32), uint256(uint160(msg.sender)), shareOfTransaction, item
        );
        (settled,, reason) = LibCall.tryCall(address(this), 0, gasleft(), MAX_REASON_BYTES, call);
        if (!settled) return (false, reason);
        // Nothing of the call is looked at again: the next item uses its memory. 0x60 is where empty bytes are.
        assembly ("memory-safe") {
            reason := 0x60
            mstore(0x40, freeMemory)
        }
    }

    /// @dev Where in the calldata an item begins.
    function _placeOf(Settlement calldata item) private pure returns (uint256 place) {
        assembly ("memory-safe") {
            place := item
        }
    }

    /// @notice One item of a batch, in a call of its own so that it can be undone alone. Only the oracle itself.
    function settleFromBatch(Settlement calldata item, address submitter, uint256 shareOfTransaction) external {
        if (msg.sender != address(this)) revert OnlySelf(msg.sender);
        uint256 gasAtStart = gasleft();
        // Unchecked: the share is our own, at most a transaction's.
        unchecked {
            gasAtStart += shareOfTransaction;
        }
        Submission memory submission;
        (submission.submitter, submission.gasAtStart) = (submitter, gasAtStart);
        _settle(item.request, item.output, item.viewNumber, item.attestations, submission);
    }

    function _settle(
        Request calldata request_,
        bytes calldata output,
        uint32 viewNumber,
        Attestation[] calldata attestations,
        Submission memory submission
    ) private {
        bytes32 id = request_.idOf();
        Entry storage entry = _openEntry(id);
        if (block.timestamp > request_.terms.deadline()) {
            revert DeadlinePassed(id, request_.terms.deadline(), block.timestamp);
        }
        bytes32 outputHash = EfficientHashLib.hashCalldata(output);
        _verify(
            request_, id, _hashTypedData(Attestations.structHash(id, outputHash, viewNumber)), attestations, submission
        );

        // Unchecked: far below 2^64.
        unchecked {
            submission.gasAtStart += SettlementGas.settlementCalldata(attestations.length, output.length);
        }
        if (request_.opening.challengeWindow() == 0) {
            _conclude(request_, id, entry, output, outputHash, submission);
        } else {
            _propose(request_, id, entry, output, outputHash, submission);
        }
    }

    /// @dev Reverts unless exactly `quorum` distinct drawn operators signed `digest`; notes down who they are.
    function _verify(
        Request calldata request_,
        bytes32 id,
        bytes32 digest,
        Attestation[] calldata attestations,
        Submission memory submission
    ) private view {
        uint256 quorum = request_.terms.quorum();
        if (attestations.length != quorum) revert QuorumNotMet(attestations.length, quorum);
        bytes32 blockHash = BlockHashes.get(request_.opening.openedBlock());
        Draw memory draw = Sortition.drawOf(request_, id, blockHash, block.timestamp);
        Quorums.verify(operators, request_, draw, digest, attestations, submission);
    }

    function _domainNameAndVersion() internal pure override returns (string memory, string memory) {
        return ("Sibyl", "1");
    }
}
