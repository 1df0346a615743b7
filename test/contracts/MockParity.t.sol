// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {HostileConsumer} from "./support/HostileConsumer.sol";
import {OracleFixture} from "./support/OracleFixture.sol";
import {MockInferenceOracle} from "@sibyl/contracts/testing/MockInferenceOracle.sol";
import {Policy} from "@sibyl/contracts/types/Policy.sol";

/// What a consumer measures on the mock is what it meets at the oracle.
contract MockParityTest is OracleFixture {
    MockInferenceOracle internal mock;

    function setUp() public override {
        super.setUp();
        mock = new MockInferenceOracle();
        mock.setFee(3 * PRICE);
    }

    function testFuzz_Quote_ReservesWhatTheOracleReserves(uint8 quorum, uint32 callbackGas, uint64 gasPrice)
        public
        view
    {
        Policy memory policy = Policy({committeeSize: 8, quorum: uint8(bound(quorum, 1, 8)), challengeWindow: 0});
        callbackGas = uint32(bound(callbackGas, 0, 2_000_000));
        uint256 real = oracle.quote(MODEL, 0, policy, callbackGas, gasPrice).gasReserve;
        assertEq(mock.quote(MODEL, 0, policy, callbackGas, gasPrice).gasReserve, real);
    }

    function test_Callback_HasTheSameGas() public {
        HostileConsumer real = new HostileConsumer(oracle, settings());
        settle(openFor(real, params()));

        HostileConsumer mocked = new HostileConsumer(mock, settings());
        bytes32 mockedId = mocked.ask{value: mocked.inferenceCost(MODEL, input.length)}(MODEL, input);
        assertTrue(mock.answer(mockedId, output));

        assertEq(mocked.results(), real.results());
        assertEq(mocked.gasSeen(), real.gasSeen());
    }
}
