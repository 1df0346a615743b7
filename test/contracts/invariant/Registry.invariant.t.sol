// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {OracleFixture} from "../support/OracleFixture.sol";
import {RegistryHandler} from "./RegistryHandler.sol";
import {Enrolment} from "@sibyl/contracts/types/Enrolment.sol";

/// In words:
/// - the registry holds exactly stakes + unbonding stakes + slashed funds + rewards;
/// - slashed funds and rewards are exactly what was taken and not yet paid out;
/// - each model's totals are the sum of its seats;
/// - an operator that is jailed, or has nothing at stake, has no seat.
contract RegistryInvariantTest is OracleFixture {
    bytes32 internal constant OTHER_MODEL = keccak256("another model");

    RegistryHandler internal handler;

    function operatorCount() internal pure override returns (uint256) {
        return 5;
    }

    function setUp() public override {
        super.setUp();
        address[] memory owners = new address[](6);
        for (uint32 id = 1; id <= 5; ++id) {
            owners[id] = ownerOf(id);
        }
        handler = new RegistryHandler(operators, address(oracle), [MODEL, OTHER_MODEL], keys, owners);
        vm.prank(owner);
        operators.trustJudge(address(handler));
        targetContract(address(handler));
        targetSender(asker);
    }

    function invariant_BalanceIsWhatIsOwed() public view {
        uint256 sum = operators.slashedFunds() + rewards();
        for (uint32 id = 1; id <= 5; ++id) {
            (uint256 unbonding,) = operators.unbondingOf(id);
            sum += operators.stakeOf(id) + unbonding;
        }
        assertEq(address(operators).balance, sum);
    }

    function invariant_TakenIsSharedWithoutRest() public view {
        assertEq(rewards(), handler.rewarded());
        assertEq(operators.slashedFunds() + rewards(), handler.taken());
    }

    function invariant_TotalsAreTheSumOfSeats() public view {
        bytes32[2] memory both = [MODEL, OTHER_MODEL];
        for (uint256 m = 0; m < 2; ++m) {
            uint256 weight;
            uint256 count;
            for (uint32 id = 1; id <= 5; ++id) {
                Enrolment seat = operators.enrolmentOf(both[m], id);
                weight += seat.weight();
                if (seat.exists()) ++count;
            }
            (uint64 total, uint32 seats) = operators.seatTotalsOf(both[m]);
            assertEq(total, weight);
            assertEq(seats, count);
        }
    }

    function invariant_TheJailedAndThePoorHaveNoSeat() public view {
        for (uint32 id = 1; id <= 5; ++id) {
            bool jailed = vm.getBlockTimestamp() < operators.jailedUntil(id);
            if (!jailed && operators.stakeOf(id) != 0) continue;
            assertEq(operators.modelsOf(id).length, 0);
            assertFalse(operators.enrolmentOf(MODEL, id).exists());
            assertFalse(operators.enrolmentOf(OTHER_MODEL, id).exists());
        }
    }

    function rewards() private view returns (uint256 sum) {
        for (uint256 i = 0; i < 3; ++i) {
            sum += operators.rewardsOf(handler.reporters(i));
        }
    }
}
