// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {HostileConsumer} from "./support/HostileConsumer.sol";
import {OracleFixture} from "./support/OracleFixture.sol";
import {IInferenceOracle} from "@sibyl/contracts/interfaces/IInferenceOracle.sol";
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

    function testFuzz_Quote_ReservesWhatTheOracleReserves(
        uint8 quorum,
        uint32 window,
        uint32 callbackGas,
        uint64 gasPrice
    ) public view {
        Policy memory policy = Policy({
            committeeSize: 8, quorum: uint8(bound(quorum, 1, 8)), challengeWindow: window % 2
        });
        callbackGas = uint32(bound(callbackGas, 0, 2_000_000));
        uint256 real = oracle.quote(MODEL, 0, policy, callbackGas, gasPrice).gasReserve;
        assertEq(mock.quote(MODEL, 0, policy, callbackGas, gasPrice).gasReserve, real);
    }

    function testFuzz_Quote_RefusesWhatTheOracleRefuses(uint256 callbackGas, uint256 inputSize) public {
        // Both sides of the bounds, and what 32 bits would cut off to a gas limit that is allowed.
        callbackGas = bound(callbackGas, 0, 4_000_000) + (callbackGas % 2 << 32);
        inputSize = bound(inputSize, 0, 131_072);
        (bool real, bytes memory reason) = quoteOf(address(oracle), callbackGas, inputSize);
        (bool mocked, bytes memory mockedReason) = quoteOf(address(mock), callbackGas, inputSize);
        assertEq(mocked, real);
        if (!real) assertEq(mockedReason, reason);
    }

    function test_RevertWhen_TheCallbackGasHasMoreThan32Bits() public {
        (bool quoted, bytes memory reason) = quoteOf(address(mock), (1 << 32) + 100_000, 0);
        assertFalse(quoted);
        assertEq(
            reason, abi.encodeWithSelector(IInferenceOracle.CallbackGasTooHigh.selector, (1 << 32) + 100_000, 2_000_000)
        );
    }

    function quoteOf(address asked, uint256 callbackGas, uint256 inputSize)
        private
        returns (bool quoted, bytes memory answer)
    {
        Policy memory policy = Policy({committeeSize: 3, quorum: 3, challengeWindow: 0});
        return asked.call(abi.encodeCall(IInferenceOracle.quote, (MODEL, inputSize, policy, callbackGas, 1 gwei)));
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
