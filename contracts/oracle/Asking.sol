// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {EfficientHashLib} from "solady/utils/EfficientHashLib.sol";

import {OracleGovernance} from "../OracleGovernance.sol";
import {PermitPayments} from "../PermitPayments.sol";
import {IInferenceOracle} from "../interfaces/IInferenceOracle.sol";
import {IProposals} from "../interfaces/IProposals.sol";
import {Fees} from "../libraries/Fees.sol";
import {Offers} from "../libraries/Offers.sol";
import {SettlementGas} from "../libraries/SettlementGas.sol";
import {Signers} from "../libraries/Signers.sol";
import {ModelStatus, ModelTerms} from "../types/ModelTerms.sol";
import {Policy} from "../types/Policy.sol";
import {Quote} from "../types/Quote.sol";
import {Request} from "../types/Request.sol";
import {RequestFunds, RequestFundsLib} from "../types/RequestFunds.sol";
import {RequestOpening, RequestOpeningLib} from "../types/RequestOpening.sol";
import {RequestParams} from "../types/RequestParams.sol";
import {RequestSlotLib} from "../types/RequestSlot.sol";
import {RequestTerms, RequestTermsLib} from "../types/RequestTerms.sol";
import {RequestBook} from "./RequestBook.sol";

/// @title Asking
/// @notice How a request opens: what it costs, what it must satisfy, and what it takes down of the protocol's state.
abstract contract Asking is RequestBook, PermitPayments, OracleGovernance {
    /// @inheritdoc IInferenceOracle
    function request(RequestParams calldata params) external payable returns (bytes32 requestId) {
        return _request(params);
    }

    /// @inheritdoc IInferenceOracle
    function requestBatch(RequestParams[] calldata params) external payable returns (bytes32[] memory requestIds) {
        requestIds = new bytes32[](params.length);
        uint256 sum;
        for (uint256 i = 0; i < params.length; ++i) {
            uint256 nativeTotal;
            (requestIds[i], nativeTotal) = _open(params[i]);
            sum += nativeTotal;
        }
        _collectNative(msg.sender, sum);
    }

    /// @inheritdoc IInferenceOracle
    function quote(
        bytes32 modelId,
        uint256 inputSize,
        Policy calldata policy,
        uint256 callbackGasLimit,
        uint64 maxGasPrice
    ) external view returns (Quote memory q) {
        uint32 gasLimit = _callbackGas(callbackGasLimit);
        if (inputSize > _regime.maxInputBytes) {
            revert InputTooLong(inputSize, _regime.maxInputBytes);
        }
        ModelTerms terms = models.termsOf(modelId);
        if (terms.status() != ModelStatus.Active) revert ModelNotActive(modelId, terms.status());
        q.token = tokenAt(terms.tokenIndex()).addr;
        (q.executions, q.inputSurcharge) = Fees.price(terms, policy.quorum, inputSize);
        q.fee = q.executions + q.inputSurcharge;
        q.royalty = Fees.share(q.fee, terms.royaltyBps());
        q.protocolShare = Fees.share(q.fee, _regime.protocolBps);
        q.gasReserve = SettlementGas.reserve(policy.quorum, gasLimit) * maxGasPrice;
        if (policy.challengeWindow != 0) q.gasReserve += SettlementGas.RESERVE_FOR_FINALIZING * uint256(maxGasPrice);
        q.nativeTotal = q.gasReserve + (terms.tokenIndex() == NATIVE ? q.fee : 0);
    }

    function _request(RequestParams calldata params) internal override returns (bytes32 requestId) {
        uint256 nativeTotal;
        (requestId, nativeTotal) = _open(params);
        _collectNative(msg.sender, nativeTotal);
    }

    /// @dev Opens a request and takes its fee if that is in a token; the native part is for the caller to collect.
    function _open(RequestParams calldata params) private returns (bytes32 id, uint256 nativeTotal) {
        bytes calldata input = params.input;
        RequestTerms asked = _termsFrom(params);
        (ModelTerms terms, uint64 totalWeight) = _offerFor(params.modelId, asked.quorum());
        Request memory opened = Request({
            modelId: params.modelId,
            inputHash: EfficientHashLib.hashCalldata(input),
            terms: asked,
            opening: _openingNow(asked, terms, totalWeight, input.length),
            funds: _fundsFor(params, asked, terms, input.length)
        });
        _addWindow(opened, params.policy);
        id = _claimSlot(opened);
        emit RequestOpened(id, params.modelId, msg.sender, opened, input);

        nativeTotal = opened.funds.gasReserve();
        uint256 fee = opened.funds.fee();
        if (terms.tokenIndex() != NATIVE) {
            _collectToken(msg.sender, terms.tokenIndex(), fee);
            return (id, nativeTotal);
        }
        // Unchecked: 96 bits each.
        unchecked {
            nativeTotal += fee;
        }
    }

    /// @dev What the caller decides, within the protocol's bounds.
    function _termsFrom(RequestParams calldata params) private view returns (RequestTerms) {
        Policy calldata policy = params.policy;
        (uint8 committeeSize, uint8 quorum) = (policy.committeeSize, policy.quorum);
        if (quorum == 0 || quorum > committeeSize || quorum > Signers.MOST) {
            revert QuorumOutOfBounds(quorum, committeeSize, Signers.MOST);
        }
        uint32 callbackGas = _callbackGas(params.callbackGasLimit);
        return RequestTermsLib.pack(msg.sender, params.deadline, callbackGas, committeeSize, quorum, 0);
    }

    /// @dev A callback's gas as a request keeps it: the protocol's bound has 32 bits.
    function _callbackGas(uint256 callbackGasLimit) private view returns (uint32) {
        if (callbackGasLimit > _regime.maxCallbackGas) {
            revert CallbackGasTooHigh(callbackGasLimit, _regime.maxCallbackGas);
        }
        return uint32(callbackGasLimit);
    }

    /// @dev The model's terms and the weight of its seats, if it takes requests and has seats enough.
    function _offerFor(bytes32 modelId, uint8 quorum) private view returns (ModelTerms terms, uint64 totalWeight) {
        uint32 seats;
        (terms, totalWeight, seats) = Offers.read(models, modelId, address(operators));
        if (terms.status() != ModelStatus.Active) revert ModelNotActive(modelId, terms.status());
        if (seats < quorum) revert TooFewOperators(modelId, seats, quorum);
    }

    /// @dev What a request with a challenge window has beyond others: an arbiter that could decide about it, and gas for a
    /// second transaction.
    function _addWindow(Request memory opened, Policy calldata policy) private view {
        uint32 window = policy.challengeWindow;
        if (window == 0) return;
        uint8 arbiterIndex = _regime.arbiterIndex;
        if (arbiterIndex == 0) revert ChallengeWindowNotOffered(window);
        if (window > MAX_CHALLENGE_WINDOW) revert IProposals.ChallengeWindowTooLong(window, MAX_CHALLENGE_WINDOW);
        uint256 needed = arbiterByIndex(arbiterIndex).seatsNeeded(policy);
        (,, uint32 seats) = Offers.read(models, opened.modelId, address(operators));
        if (seats < needed) revert TooFewOperators(opened.modelId, seats, needed);

        opened.opening = opened.opening.withChallenge(uint24(window), arbiterIndex);
        opened.funds = opened.funds.withReserve(SettlementGas.RESERVE_FOR_FINALIZING);
    }

    /// @dev Takes down the protocol's state as the request finds it, if it lets the request in.
    function _openingNow(RequestTerms asked, ModelTerms terms, uint64 totalWeight, uint256 inputSize)
        private
        view
        returns (RequestOpening)
    {
        Regime storage regime = _regime;
        _checkAgainst(regime, asked, inputSize);
        return RequestOpeningLib.pack(
            totalWeight,
            regime.roundSeconds,
            regime.overdrawBps,
            terms.royaltyBps(),
            regime.protocolBps,
            terms.tokenIndex()
        );
    }

    function _checkAgainst(Regime storage regime, RequestTerms asked, uint256 inputSize) private view {
        if (block.timestamp < regime.pausedUntil) revert RequestsArePaused(regime.pausedUntil);
        if (inputSize > regime.maxInputBytes) revert InputTooLong(inputSize, regime.maxInputBytes);
        uint256 latest = block.timestamp + regime.maxLifetimeSeconds;
        if (asked.deadline() <= block.timestamp || asked.deadline() > latest) {
            revert DeadlineOutOfBounds(asked.deadline(), block.timestamp, latest);
        }
    }

    function _fundsFor(RequestParams calldata params, RequestTerms asked, ModelTerms terms, uint256 inputSize)
        private
        pure
        returns (RequestFunds)
    {
        (uint256 executions, uint256 inputSurcharge) = Fees.price(terms, asked.quorum(), inputSize);
        // Unchecked: the parts of the fee have at most 168 bits, the reserve is less than 2^32 gas times a 64-bit price.
        unchecked {
            uint256 fee = executions + inputSurcharge;
            if (fee > params.maxFee) revert FeeAboveMaximum(fee, params.maxFee);
            uint64 maxGasPrice = params.maxGasPrice;
            uint256 gasReserve = SettlementGas.reserve(asked.quorum(), asked.callbackGasLimit()) * maxGasPrice;
            return RequestFundsLib.pack(uint96(fee), uint96(gasReserve), maxGasPrice);
        }
    }

    /// @dev Marks the request's slot as open. Identical requests of one block differ by their salt.
    function _claimSlot(Request memory opened) private returns (bytes32 id) {
        id = opened.id();
        Entry storage entry = _entries[id];
        while (!entry.slot.equals(RequestSlotLib.NONE)) {
            if (opened.terms.salt() == type(uint8).max) {
                revert TooManyIdenticalRequests(opened.modelId, opened.terms.consumer());
            }
            opened.terms = opened.terms.withNextSalt();
            id = opened.id();
            entry = _entries[id];
        }
        entry.slot = RequestSlotLib.OPEN;
    }
}
