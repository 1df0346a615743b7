// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Fees} from "../libraries/Fees.sol";
import {SettlementGas} from "../libraries/SettlementGas.sol";
import {Request} from "../types/Request.sol";
import {RequestSlotLib} from "../types/RequestSlot.sol";
import {RequestStatus} from "../types/RequestStatus.sol";
import {Submission} from "../types/Submission.sol";
import {CallingBack} from "./CallingBack.sol";

/// @title Concluding
/// @notice How a request with a final output ends: it is paid for, handed over, and the gas is repaid.
abstract contract Concluding is CallingBack {
    /// @dev Calls back before it repays the gas, because what the callback used counts.
    function _conclude(
        Request calldata request_,
        bytes32 id,
        Entry storage entry,
        bytes calldata output,
        bytes32 outputHash,
        Submission memory submission
    ) internal {
        entry.slot = RequestSlotLib.answered(outputHash, RequestStatus.Settled);
        _payOut(request_, submission.signers, submission.signerCount);
        (bool delivered, bytes memory reason) = _callBack(request_, id, output);
        if (!delivered) entry.slot = RequestSlotLib.answered(outputHash, RequestStatus.CallbackFailed);
        uint256 gasPaid = _repayGas(request_, submission, output.length);
        emit RequestSettled(id, submission.signers, gasPaid, output);
        if (!delivered) emit CallbackFailed(id, reason);
    }

    /// @notice Splits the fee between signers, publisher and protocol.
    /// @param signers As in `RequestSettled`.
    /// @param signerCount How many they are.
    function _payOut(Request calldata request_, uint256 signers, uint256 signerCount) private {
        uint8 tokenIndex = request_.opening.tokenIndex();
        (uint256 perSigner, uint256 royalty, uint256 protocolShare) =
            Fees.split(request_.funds.fee(), request_.opening.royaltyBps(), request_.opening.protocolBps(), signerCount);
        _addEarningsOfEach(signers, tokenIndex, perSigner);
        _addShares(request_.modelId, tokenIndex, royalty, protocolShare);
    }

    /// @notice Splits what is left of the gas reserve between the submitter, if it is a signer, and the consumer.
    /// @dev Warning: the price counts what the transaction tips, so who submits and builds the block may share a tip up
    /// to the consumer's `maxGasPrice`.
    /// @return gasPaid Wei of the reserve that did not go back to the consumer.
    function _repayGas(Request calldata request_, Submission memory submission, uint256 outputLength)
        private
        returns (uint256 gasPaid)
    {
        address consumer = request_.terms.consumer();
        uint256 owed = submission.gasOwed;
        // Unchecked: what is owed was cut to the reserve, and so is what is paid.
        unchecked {
            uint256 left = request_.funds.gasReserve() - owed;
            // All of it first, so that the measurement includes what a balance costs that nothing touched before.
            _addNativeCredit(consumer, left);
            if (submission.submitterId == 0) return owed;

            gasPaid = _priced(request_, submission.gasAtStart, SettlementGas.tail(outputLength));
            if (gasPaid > left) gasPaid = left;
            _creditToEarnings(consumer, submission.submitterId, NATIVE, gasPaid);
            gasPaid += owed;
        }
    }

    /// @dev Wei for the gas since `gasAtStart` and `tail` more, at the transaction's price but at most the consumer's.
    function _priced(Request calldata request_, uint256 gasAtStart, uint256 tail) internal view returns (uint256) {
        uint256 price = request_.funds.maxGasPrice();
        if (tx.gasprice < price) price = tx.gasprice;
        // Unchecked: gas only decreases, and a price of 64 bits times a block's gas fits.
        unchecked {
            return (gasAtStart - gasleft() + tail) * price;
        }
    }
}
