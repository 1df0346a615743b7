// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ChallengeFixture} from "../support/ChallengeFixture.sol";
import {HostileConsumer} from "../support/HostileConsumer.sol";
import {CallingToken, FeeOnTransferToken, PlainToken} from "../support/TestTokens.sol";
import {ProtocolHandler} from "./ProtocolHandler.sol";
import {ProtocolWorld} from "./ProtocolWorld.sol";
import {Enrolment} from "@sibyl/contracts/types/Enrolment.sol";
import {OperatorParameters} from "@sibyl/contracts/types/OperatorParameters.sol";
import {RequestStatus} from "@sibyl/contracts/types/RequestStatus.sol";

/// In words:
/// - for each token the oracle holds exactly credit + earnings + shares + escrow of requests under way, also for tokens that
///   take a fee or call back;
/// - a request is settled at most once, refunded at most once, and never both; only what is settled is verifiable;
/// - the arbiter holds exactly the bonds of open disputes;
/// - the registry holds exactly stakes + unbonding stakes + slashed funds + rewards;
/// - each model's total weight is the sum of its seats, and no seat weighs more than the stake behind it;
/// - what an operator had at stake when it signed stays there for the unbonding time, but for what was taken from it.
///
/// The handler itself fails on anything else that must not happen: a wrong quorum that settles, a signer that was not drawn, a
/// second settlement, refund, verdict or redelivery, an expiry that is refused.
contract ProtocolInvariantTest is ChallengeFixture {
    bytes32 internal constant TOKEN_MODEL = keccak256("a model priced in a token");

    /// @dev Calls after which everything must have happened at least once.
    uint256 private constant LONG_RUN = 250;
    /// @dev Place of "upheld" among what must have happened.
    uint256 private constant UPHELD = 10;

    ProtocolHandler internal handler;
    PlainToken internal token;
    FeeOnTransferToken internal takingToken;
    CallingToken internal callingToken;
    HostileConsumer[2] internal consumers;

    /// @dev Short terms, so that the jailed come back within a run.
    function operatorParameters() internal pure override returns (OperatorParameters memory p) {
        p = super.operatorParameters();
        p.jailSeconds = 10 minutes;
    }

    function setUp() public override {
        super.setUp();
        token = new PlainToken();
        takingToken = new FeeOnTransferToken();
        callingToken = new CallingToken();
        vm.startPrank(owner);
        oracle.listToken(address(token));
        oracle.listToken(address(takingToken));
        oracle.listToken(address(callingToken));
        vm.stopPrank();
        vm.prank(publisher);
        models.publish(TOKEN_MODEL, "", 1, 5e6, 1e6, 700, profile());
        address[] memory owners = new address[](operatorCount() + 1);
        for (uint32 id = 1; id <= operatorCount(); ++id) {
            owners[id] = ownerOf(id);
            vm.prank(owners[id]);
            operators.enroll(TOKEN_MODEL);
        }
        skip(60);
        for (uint256 i = 0; i < 2; ++i) {
            consumers[i] = new HostileConsumer(oracle, settings());
            token.mint(address(consumers[i]), type(uint128).max);
            vm.prank(address(consumers[i]));
            token.approve(address(oracle), type(uint256).max);
        }
        handler = new ProtocolHandler(
            ProtocolWorld.Cast(
                oracle, arbiter, token, consumers, [MODEL, TOKEN_MODEL], publisher, challenger, keys, owners
            ),
            takingToken,
            callingToken
        );
        targetContract(address(handler));
        // Otherwise the fuzzer also sends from the contracts under test, and gives them coins for it.
        targetSender(asker);
    }

    /// @dev All in one, because forge makes the calls anew for each invariant.
    function invariant_MoneyIsWhereItBelongs() public view {
        assertOracleHoldsWhatItOwes();
        assertArbiterHoldsOpenBonds();
        assertRegistryHoldsWhatItOwes();
        assertSeatsAddUpAndAreCovered();
        assertWhatWasAtStakeStaysThere();
    }

    function invariant_SettledOrRefundedOnce() public view {
        uint256 count = handler.trackedCount();
        // All of them at the end; here those that are likely to have changed, and one more.
        for (uint256 i = count > 4 ? count - 4 : 0; i < count; ++i) {
            assertEndedOnce(i);
        }
        if (count != 0) assertEndedOnce(handler.calls() % count);
    }

    function assertOracleHoldsWhatItOwes() private view {
        assertEq(address(oracle).balance, owed(NATIVE) + handler.escrow(NATIVE), "native");
        assertEq(token.balanceOf(address(oracle)), owed(address(token)) + handler.escrow(address(token)), "token");
        assertEq(takingToken.balanceOf(address(oracle)), owed(address(takingToken)), "token that takes a fee");
        assertEq(callingToken.balanceOf(address(oracle)), owed(address(callingToken)), "token that calls back");
    }

    function assertArbiterHoldsOpenBonds() private view {
        assertEq(address(arbiter).balance, BOND * handler.countAt(ProtocolWorld.Stage.Challenged), "bonds");
    }

    function assertRegistryHoldsWhatItOwes() private view {
        uint256 sum = operators.slashedFunds() + operators.rewardsOf(challenger);
        for (uint32 id = 1; id <= operatorCount(); ++id) {
            sum += atStake(id);
        }
        assertEq(address(operators).balance, sum, "registry");
    }

    function assertSeatsAddUpAndAreCovered() private view {
        bytes32[2] memory both = [MODEL, TOKEN_MODEL];
        for (uint256 m = 0; m < 2; ++m) {
            uint256 sum;
            for (uint32 id = 1; id <= operatorCount(); ++id) {
                Enrolment seat = operators.enrolmentOf(both[m], id);
                sum += seat.weight();
                assertLe(seat.weight() * operators.WEI_PER_WEIGHT(), operators.stakeOf(id), "a seat without stake");
            }
            assertEq(operators.totalWeightOf(both[m]), sum, "total weight");
        }
    }

    function assertWhatWasAtStakeStaysThere() private view {
        for (uint32 id = 1; id <= operatorCount(); ++id) {
            if (vm.getBlockTimestamp() >= handler.signedAt(id) + operatorParameters().unbondingSeconds) continue;
            assertGe(atStake(id) + handler.takenSince(id), handler.obligationWei(id), "obligation");
        }
    }

    /// @dev A suite whose calls all return early proves nothing.
    function afterInvariant() public {
        for (uint256 i = 0; i < handler.trackedCount(); ++i) {
            assertEndedOnce(i);
        }
        string[18] memory all = [
            "requests",
            "settlements",
            "batches",
            "wrong quorums refused",
            "undrawn refused",
            "expiries",
            "redeliveries",
            "proposals",
            "finalizations",
            "challenges",
            "upheld",
            "overturned",
            "punishments",
            "lapses",
            "deposits",
            "hostile deposits",
            "withdrawals of credit",
            "moves of stake"
        ];
        for (uint256 i = 0; i < all.length; ++i) {
            emit log_named_uint(all[i], handler.count(all[i]));
            // The first verdict overturns, the second upholds.
            if (i == UPHELD && handler.count("overturned") < 2) continue;
            if (handler.calls() >= LONG_RUN) assertGt(handler.count(all[i]), 0, all[i]);
        }
    }

    function assertEndedOnce(uint256 index) private view {
        (bytes32 id, ProtocolWorld.Stage stage, bytes memory output) = handler.tracked(index);
        uint256 settled = handler.timesSettled(id);
        uint256 refunded = handler.timesRefunded(id);
        RequestStatus status = oracle.status(id);
        bool over = stage == ProtocolWorld.Stage.Over || stage == ProtocolWorld.Stage.CallbackFailed;
        assertEq(settled + refunded, over ? 1 : 0, "settled or refunded once");
        assertEq(oracle.verifyOutput(id, output), settled == 1, "only what is settled is verifiable");
        assertEq(status == RequestStatus.Open, stage == ProtocolWorld.Stage.Open);
        assertEq(status == RequestStatus.Proposed, stage == ProtocolWorld.Stage.Proposed);
        assertEq(status == RequestStatus.Challenged, stage == ProtocolWorld.Stage.Challenged);
        assertEq(status == RequestStatus.CallbackFailed, stage == ProtocolWorld.Stage.CallbackFailed);
        assertEq(status == RequestStatus.None, refunded == 1);
    }

    function atStake(uint32 operatorId) private view returns (uint256) {
        (uint256 unbonding,) = operators.unbondingOf(operatorId);
        return operators.stakeOf(operatorId) + unbonding;
    }

    function owed(address asset) private view returns (uint256 sum) {
        sum = oracle.creditOf(challenger, asset);
        for (uint256 i = 0; i < 2; ++i) {
            sum += oracle.creditOf(address(consumers[i]), asset);
        }
        for (uint32 id = 1; id <= operatorCount(); ++id) {
            sum += oracle.earningsOf(id, asset);
        }
        bytes32[2] memory both = [MODEL, TOKEN_MODEL];
        for (uint256 m = 0; m < 2; ++m) {
            (uint256 royalties, uint256 protocolShare) = oracle.sharesOf(both[m], asset);
            sum += royalties + protocolShare;
        }
    }
}
