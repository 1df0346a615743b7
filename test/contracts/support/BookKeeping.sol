// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {OracleFixture} from "./OracleFixture.sol";
import {Request} from "@sibyl/contracts/types/Request.sol";
import {RequestStatus} from "@sibyl/contracts/types/RequestStatus.sol";
import {Settlement} from "@sibyl/contracts/types/Settlement.sol";

/// @notice Keeps count of requests of MODEL, so that a test can ask after any attack whether all money is where it belongs.
abstract contract BookKeeping is OracleFixture {
    Request[] internal booked;

    /// @dev Whoever may have credit, beside `consumer`.
    address[] internal creditors;

    /// @notice Opens a request with an input of its own.
    function openBooked() internal returns (Request memory request) {
        input = abi.encode("booked", booked.length);
        request = open(params());
        booked.push(request);
    }

    /// @notice Items that are right, each with a request of its own.
    function itemsOf(uint256 count) internal returns (Settlement[] memory items) {
        items = new Settlement[](count);
        for (uint256 i = 0; i < count; ++i) {
            Request memory request = openBooked();
            items[i] = Settlement(request, output, 0, attest(request));
        }
    }

    function isSettled(Request memory request) internal view returns (bool) {
        RequestStatus status = oracle.status(request.id());
        return status == RequestStatus.Settled || status == RequestStatus.CallbackFailed;
    }

    /// @notice Every settled request was paid for exactly once, with the one output that was signed, and every wei of the
    /// oracle is somebody's.
    function assertBooks() internal view {
        uint256 escrow;
        uint256 fees;
        for (uint256 i = 0; i < booked.length; ++i) {
            Request memory request = booked[i];
            if (isSettled(request)) {
                assertTrue(oracle.verifyOutput(request.id(), output), "settled with what nobody signed");
                fees += request.funds.fee();
            } else {
                escrow += uint256(request.funds.fee()) + request.funds.gasReserve();
            }
        }
        uint256 owed = oracle.creditOf(address(consumer), NATIVE);
        for (uint256 i = 0; i < creditors.length; ++i) {
            owed += oracle.creditOf(creditors[i], NATIVE);
        }
        uint256 gasRepaid;
        uint256 paid;
        for (uint32 id = 1; id < keys.length; ++id) {
            owed += oracle.earningsOf(id, NATIVE);
            paid += oracle.earningsOf(id, NATIVE);
        }
        (uint256 royalties, uint256 protocolShare) = oracle.sharesOf(MODEL, NATIVE);
        owed += royalties + protocolShare;
        paid += royalties + protocolShare;
        assertEq(address(oracle).balance, owed + escrow, "the oracle's balance is not what it owes");
        assertGe(paid, fees, "a settled request was not paid for");
        gasRepaid = paid - fees;
        if (fees == 0) assertEq(gasRepaid, 0, "gas was repaid for nothing");
        // Royalties are a fixed part of each fee, so paying for one request twice would show here to the wei.
        assertEq(royalties, fees * ROYALTY_BPS / 10_000, "royalties are not those of the settled requests");
    }
}
