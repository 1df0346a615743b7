// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ChallengeFixture} from "./support/ChallengeFixture.sol";
import {HostileConsumer} from "./support/HostileConsumer.sol";
import {Proposal} from "@sibyl/contracts/types/Proposal.sol";
import {Request} from "@sibyl/contracts/types/Request.sol";

/// The reserve of a request with a challenge window is for two transactions.
/// forge-config: default.isolate = true
contract ChallengeGasTest is ChallengeFixture {
    /// @dev Isolated transactions have no gas price here, so repaying writes nothing; but both submitters' balances are
    /// written for their fee all the same. `npm run bench:gas` holds what is repaid to the receipts. Fresh balances, an output of 1 KiB and a callback that burns all its gas.
    function test_Gas_TheReserveCoversProposingAndFinalizing() public {
        HostileConsumer hostile = new HostileConsumer(oracle, settings());
        output = new bytes(1024);
        for (uint256 b = 0; b < 1024; ++b) {
            output[b] = 0xff;
        }
        Request memory request = openFor(hostile, windowed());
        skip(60);
        hostile.behave(HostileConsumer.Mood.BurnGas);
        Proposal memory proposal = propose(request);
        uint256 used = vm.lastCallGas().gasTotalUsed;
        skip(WINDOW + 1);
        vm.prank(attesterOf(2));
        oracle.finalize(request, proposal, output);
        used += vm.lastCallGas().gasTotalUsed;
        emit log_named_uint("used", used);
        assertLe(used * GAS_PRICE, request.funds.gasReserve());
    }
}
