// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {EIP712} from "solady/utils/EIP712.sol";
import {EfficientHashLib} from "solady/utils/EfficientHashLib.sol";
import {LibCall} from "solady/utils/LibCall.sol";

import {OracleGovernance} from "./OracleGovernance.sol";
import {PermitPayments} from "./PermitPayments.sol";
import {IInferenceCallback} from "./interfaces/IInferenceCallback.sol";
import {IInferenceOracle} from "./interfaces/IInferenceOracle.sol";
import {IModelRegistry} from "./interfaces/IModelRegistry.sol";
import {IOperatorRegistry} from "./interfaces/IOperatorRegistry.sol";
import {Attestations} from "./libraries/Attestations.sol";
import {BlockHashes} from "./libraries/BlockHashes.sol";
import {Fees} from "./libraries/Fees.sol";
import {Seats} from "./libraries/Seats.sol";
import {SettlementGas} from "./libraries/SettlementGas.sol";
import {Draw, Sortition} from "./libraries/Sortition.sol";
import {Attestation} from "./types/Attestation.sol";
import {Enrolment} from "./types/Enrolment.sol";
import {ModelStatus, ModelTerms} from "./types/ModelTerms.sol";
import {OracleParameters} from "./types/OracleParameters.sol";
import {Policy} from "./types/Policy.sol";
import {Quote} from "./types/Quote.sol";
import {Request} from "./types/Request.sol";
import {RequestFunds, RequestFundsLib} from "./types/RequestFunds.sol";
import {RequestOpening, RequestOpeningLib} from "./types/RequestOpening.sol";
import {RequestParams} from "./types/RequestParams.sol";
import {RequestSlot, RequestSlotLib} from "./types/RequestSlot.sol";
import {RequestStatus} from "./types/RequestStatus.sol";
import {RequestTerms, RequestTermsLib} from "./types/RequestTerms.sol";
import {Settlement} from "./types/Settlement.sol";

/// @title InferenceOracle
/// @notice Takes requests for inference, accepts what a quorum of drawn operators signed, pays and calls back.
/// @dev Sections follow a request's life. Each entry has one rhythm: derive, check, write, pay, log, call out. What it
/// writes is final before it calls out, and what it adds afterwards only adds, so re-entering gains nothing.
contract InferenceOracle is IInferenceOracle, PermitPayments, OracleGovernance, EIP712 {
    using Sortition for Draw;

    /// @dev What a settlement carries along: who submits it, what `gasleft()` was plus what the transaction had used up by
    /// then, the signers as in `RequestSettled`, and the one of them that submits, if one does.
    struct Submission {
        address submitter;
        uint256 gasAtStart;
        uint256 signers;
        uint32 submitterId;
    }

    /// @dev Most operators that one request may require to agree: as many ids as `RequestSettled` has room for.
    uint8 private constant MAX_QUORUM = 8;

    /// @dev Gas that a consumer's `onExpired` gets at most.
    uint256 private constant EXPIRY_CALLBACK_GAS = 150_000;

    /// @dev Bytes of a failing callback's return data that are looked at; more would let it burn the submitter's gas.
    uint16 private constant MAX_REASON_BYTES = 256;

    /// @dev What a call costs before its own 63/64 are counted: a cold account, and the copy of its arguments.
    uint256 private constant CALL_OVERHEAD = 5_000;

    /// @notice Where models are published.
    IModelRegistry public immutable models;
    /// @notice Where operators stake and take seats.
    IOperatorRegistry public immutable operators;

    mapping(bytes32 requestId => RequestSlot) private _slots;

    constructor(
        address owner_,
        address guardian_,
        IModelRegistry models_,
        IOperatorRegistry operators_,
        OracleParameters memory parameters_
    ) Ownable(owner_) OracleGovernance(parameters_, guardian_) {
        models = models_;
        operators = operators_;
    }

    // Asking

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
        uint32 callbackGasLimit,
        uint64 maxGasPrice
    ) external view returns (Quote memory q) {
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
        q.gasReserve = SettlementGas.reserve(policy.quorum, callbackGasLimit) * maxGasPrice;
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
        if (quorum == 0 || quorum > committeeSize || quorum > MAX_QUORUM) {
            revert QuorumOutOfBounds(quorum, committeeSize, MAX_QUORUM);
        }
        if (policy.challengeWindow != 0) revert ChallengeWindowNotOffered(policy.challengeWindow);
        return RequestTermsLib.pack(msg.sender, params.deadline, params.callbackGasLimit, committeeSize, quorum, 0);
    }

    /// @dev The model's terms and the weight of its seats, if it takes requests and has seats enough.
    function _offerFor(bytes32 modelId, uint8 quorum) private view returns (ModelTerms terms, uint64 totalWeight) {
        uint32 seats;
        (terms, totalWeight, seats) = models.offerOf(modelId, address(operators));
        if (terms.status() != ModelStatus.Active) revert ModelNotActive(modelId, terms.status());
        if (seats < quorum) revert TooFewOperators(modelId, seats, quorum);
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
            0,
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
        if (asked.callbackGasLimit() > regime.maxCallbackGas) {
            revert CallbackGasTooHigh(asked.callbackGasLimit(), regime.maxCallbackGas);
        }
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
        while (!_slots[id].equals(RequestSlotLib.NONE)) {
            if (opened.terms.salt() == type(uint8).max) {
                revert TooManyIdenticalRequests(opened.modelId, opened.terms.consumer());
            }
            opened.terms = opened.terms.withNextSalt();
            id = opened.id();
        }
        _slots[id] = RequestSlotLib.OPEN;
    }

    // Settling

    /// @inheritdoc IInferenceOracle
    function settle(
        Request calldata request_,
        bytes calldata output,
        uint32 viewNumber,
        Attestation[] calldata attestations
    ) external {
        uint256 gasAtStart = gasleft() + SettlementGas.TRANSACTION;
        _settle(request_, output, viewNumber, attestations, _submissionBy(msg.sender, gasAtStart));
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
        _settle(item.request, item.output, item.viewNumber, item.attestations, _submissionBy(submitter, gasAtStart));
    }

    function _settle(
        Request calldata request_,
        bytes calldata output,
        uint32 viewNumber,
        Attestation[] calldata attestations,
        Submission memory submission
    ) private {
        bytes32 id = request_.idOf();
        _requireOpen(id);
        if (block.timestamp > request_.terms.deadline()) {
            revert DeadlinePassed(id, request_.terms.deadline(), block.timestamp);
        }
        bytes32 outputHash = EfficientHashLib.hashCalldata(output);
        bytes32 digest = _hashTypedData(Attestations.structHash(id, outputHash, viewNumber));
        _verify(request_, id, digest, attestations, submission);

        _slots[id] = RequestSlotLib.answered(outputHash, RequestStatus.Settled);
        _payOut(request_, submission.signers);
        _conclude(request_, id, output, outputHash, submission);
    }

    /// @dev Calls back, then repays the gas, because what the callback used counts.
    function _conclude(
        Request calldata request_,
        bytes32 id,
        bytes calldata output,
        bytes32 outputHash,
        Submission memory submission
    ) private {
        (bool delivered, bytes memory reason) = _callBack(request_, id, output);
        if (!delivered) _slots[id] = RequestSlotLib.answered(outputHash, RequestStatus.CallbackFailed);
        uint256 gasPaid = _repayGas(request_, submission, output.length);
        emit RequestSettled(id, submission.signers, gasPaid, output);
        if (!delivered) emit CallbackFailed(id, reason);
    }

    function _submissionBy(address submitter, uint256 gasAtStart) private pure returns (Submission memory) {
        return Submission({submitter: submitter, gasAtStart: gasAtStart, signers: 0, submitterId: 0});
    }

    function _requireOpen(bytes32 id) private view {
        RequestSlot slot = _slots[id];
        if (!slot.equals(RequestSlotLib.OPEN)) revert RequestNotOpen(id, slot.status());
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
        uint32 previous;
        uint256 signers;
        for (uint256 i = 0; i < quorum; ++i) {
            Attestation calldata attestation = attestations[i];
            uint32 operatorId = attestation.operatorId;
            if (operatorId <= previous) revert SignersNotIncreasing(previous, operatorId);
            previous = operatorId;

            address attester = _drawnAttester(request_, draw, operatorId);
            address signer = Attestations.recover(digest, attestation.r, attestation.vs);
            if (signer != attester) revert WrongSignature(operatorId, attester, signer);
            if (signer == submission.submitter) submission.submitterId = operatorId;
            signers = signers << 32 | operatorId;
        }
        // Unchecked: `request` lets no quorum above `MAX_QUORUM` in.
        unchecked {
            submission.signers = signers << 32 * (MAX_QUORUM - quorum);
        }
    }

    /// @dev The key of a drawn operator; reverts if it is not drawn.
    function _drawnAttester(Request calldata request_, Draw memory draw, uint32 operatorId)
        private
        view
        returns (address)
    {
        Enrolment seat = Seats.read(operators, request_.modelId, operatorId);
        if (!seat.exists()) revert SignerNotEnrolled(request_.modelId, operatorId);
        if (seat.activeFrom() > request_.opening.openedAt()) {
            revert SeatNotActive(operatorId, seat.activeFrom(), request_.opening.openedAt());
        }
        if (!draw.includes(operatorId, seat.weight())) revert SignerNotDrawn(operatorId, draw.round);
        return seat.attester();
    }

    /// @notice Splits the fee between signers, publisher and protocol.
    /// @param signers As in `RequestSettled`.
    function _payOut(Request calldata request_, uint256 signers) private {
        uint8 tokenIndex = request_.opening.tokenIndex();
        (uint256 perSigner, uint256 royalty, uint256 protocolShare) = Fees.split(
            request_.funds.fee(), request_.opening.royaltyBps(), request_.opening.protocolBps(), request_.terms.quorum()
        );
        for (; signers != 0; signers <<= 32) {
            _addEarnings(uint32(signers >> 224), tokenIndex, perSigner);
        }
        _addShares(request_.modelId, tokenIndex, royalty, protocolShare);
    }

    /// @dev Splits the gas reserve between the submitter, if it is a signer, and the consumer.
    /// @dev Warning: the price counts what the transaction tips, so who submits and builds the block may share a tip up
    /// to the consumer's `maxGasPrice`.
    function _repayGas(Request calldata request_, Submission memory submission, uint256 outputLength)
        private
        returns (uint256 gasPaid)
    {
        address consumer = request_.terms.consumer();
        uint256 reserve = request_.funds.gasReserve();
        // All of it first, so that the measurement includes what a balance costs that nothing touched before.
        _addCredit(consumer, NATIVE, reserve);
        if (submission.submitterId == 0) return 0;

        uint256 price = request_.funds.maxGasPrice();
        if (tx.gasprice < price) price = tx.gasprice;
        // Unchecked: gas only decreases, and a price of 64 bits times a block's gas fits.
        unchecked {
            uint256 gasUsed =
                submission.gasAtStart - gasleft() + SettlementGas.unmeasured(request_.terms.quorum(), outputLength);
            gasPaid = gasUsed * price;
        }
        if (gasPaid > reserve) gasPaid = reserve;
        _creditToEarnings(consumer, submission.submitterId, NATIVE, gasPaid);
    }

    // Calling back

    /// @dev Hands the output over with exactly the gas that the consumer asked for.
    function _callBack(Request calldata request_, bytes32 id, bytes calldata output)
        private
        returns (bool delivered, bytes memory reason)
    {
        uint256 gasLimit = request_.terms.callbackGasLimit();
        bytes memory call = abi.encodeCall(IInferenceCallback.onInference, (id, output));
        _requireGas(gasLimit);
        (delivered,, reason) = LibCall.tryCall(request_.terms.consumer(), 0, gasLimit, MAX_REASON_BYTES, call);
    }

    /// @dev A call gets at most 63/64 of what is left, silently: so check before.
    function _requireGas(uint256 gasLimit) private view {
        // Unchecked: the limit has 32 bits.
        unchecked {
            uint256 needed = gasLimit * 64 / 63 + CALL_OVERHEAD;
            if (gasleft() < needed) revert NotEnoughGas(gasleft(), needed);
        }
    }

    /// @inheritdoc IInferenceOracle
    function redeliver(Request calldata request_, bytes calldata output) external {
        bytes32 id = request_.idOf();
        bytes32 outputHash = EfficientHashLib.hashCalldata(output);
        RequestSlot slot = _slots[id];
        if (slot.status() != RequestStatus.CallbackFailed) revert NothingToRedeliver(id, slot.status());
        if (!slot.isAnswer(outputHash)) revert WrongOutput(id, outputHash);

        _slots[id] = RequestSlotLib.answered(outputHash, RequestStatus.Settled);
        emit Redelivered(id);
        bytes memory call = abi.encodeCall(IInferenceCallback.onInference, (id, output));
        _requireGas(request_.terms.callbackGasLimit());
        (bool delivered,, bytes memory reason) =
            LibCall.tryCall(request_.terms.consumer(), 0, gasleft(), MAX_REASON_BYTES, call);
        if (!delivered) revert RedeliveryFailed(id, reason);
    }

    // Expiring

    /// @inheritdoc IInferenceOracle
    function expire(Request calldata request_) external {
        bytes32 id = request_.idOf();
        _requireOpen(id);
        if (block.timestamp <= request_.terms.deadline()) {
            revert DeadlineNotPassed(id, request_.terms.deadline(), block.timestamp);
        }
        address consumer = request_.terms.consumer();
        uint8 tokenIndex = request_.opening.tokenIndex();
        uint256 fee = request_.funds.fee();
        uint256 gasReserve = request_.funds.gasReserve();

        _slots[id] = RequestSlotLib.NONE;
        if (tokenIndex == NATIVE) {
            // Unchecked: 96 bits each.
            unchecked {
                _addCredit(consumer, NATIVE, fee + gasReserve);
            }
        } else {
            _addCredit(consumer, tokenIndex, fee);
            _addCredit(consumer, NATIVE, gasReserve);
        }
        emit RequestExpired(id, fee, gasReserve);

        bytes memory call = abi.encodeCall(IInferenceCallback.onExpired, (id, fee, gasReserve));
        _requireGas(EXPIRY_CALLBACK_GAS);
        (bool told,, bytes memory reason) = LibCall.tryCall(consumer, 0, EXPIRY_CALLBACK_GAS, MAX_REASON_BYTES, call);
        if (!told) emit ExpiryCallbackFailed(id, reason);
    }

    // Views

    /// @inheritdoc IInferenceOracle
    function status(bytes32 requestId) external view returns (RequestStatus) {
        return _slots[requestId].status();
    }

    /// @inheritdoc IInferenceOracle
    function verifyOutput(bytes32 requestId, bytes calldata output) external view returns (bool) {
        return _slots[requestId].isAnswer(keccak256(output));
    }

    // Seams

    function _ownerOfOperator(uint32 operatorId) internal view override returns (address) {
        return operators.ownerOf(operatorId);
    }

    function _publisherOfModel(bytes32 modelId) internal view override returns (address) {
        return models.publisherOf(modelId);
    }

    function _domainNameAndVersion() internal pure override returns (string memory, string memory) {
        return ("Sibyl", "1");
    }
}
