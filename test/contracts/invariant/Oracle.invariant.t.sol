// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {HostileConsumer} from "../support/HostileConsumer.sol";
import {OracleFixture} from "../support/OracleFixture.sol";
import {PlainToken} from "../support/TestTokens.sol";
import {OracleHandler} from "./OracleHandler.sol";
import {RequestStatus} from "@sibyl/contracts/types/RequestStatus.sol";

/// In words:
/// - for each token the oracle holds exactly credit + earnings + shares + escrow of open requests;
/// - a request is settled at most once, refunded at most once, and never both;
/// - the registry holds exactly stakes + unbonding stakes + slashed funds: nobody reports anybody here;
/// - each model's total weight is the sum of its seats.
contract OracleInvariantTest is OracleFixture {
    bytes32 internal constant TOKEN_MODEL = keccak256("a model priced in a token");

    OracleHandler internal handler;
    PlainToken internal token;
    HostileConsumer[2] internal consumers;

    function setUp() public override {
        super.setUp();
        token = new PlainToken();
        vm.prank(owner);
        oracle.listToken(address(token));
        vm.prank(publisher);
        models.publish(TOKEN_MODEL, "", 1, 5e6, 1e6, 700, profile());
        address[] memory owners = new address[](4);
        for (uint32 id = 1; id <= 3; ++id) {
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
        handler = new OracleHandler(oracle, token, publisher, [MODEL, TOKEN_MODEL], consumers, keys, owners);
        targetContract(address(handler));
        // Otherwise the fuzzer also sends from the contracts under test, and gives them coins for it.
        targetSender(asker);
    }

    function invariant_NativeSolvency() public view {
        assertEq(address(oracle).balance, owed(NATIVE) + handler.escrow(NATIVE));
    }

    function invariant_TokenSolvency() public view {
        assertEq(token.balanceOf(address(oracle)), owed(address(token)) + handler.escrow(address(token)));
    }

    function invariant_SettledOrRefundedOnce() public view {
        for (uint256 i = 0; i < handler.idCount(); ++i) {
            bytes32 id = handler.ids(i);
            uint256 ends = handler.timesSettled(id) + handler.timesRefunded(id);
            assertLe(ends, 1);
            bool open = oracle.status(id) == RequestStatus.Open;
            assertEq(open, ends == 0);
        }
    }

    function invariant_StakeIsCovered() public view {
        uint256 sum = operators.slashedFunds();
        for (uint32 id = 1; id <= 3; ++id) {
            (uint256 unbonding,) = operators.unbondingOf(id);
            sum += operators.stakeOf(id) + unbonding;
        }
        assertEq(address(operators).balance, sum);
    }

    function invariant_TotalWeightIsTheSumOfSeats() public view {
        bytes32[2] memory both = [MODEL, TOKEN_MODEL];
        for (uint256 m = 0; m < 2; ++m) {
            uint256 sum;
            for (uint32 id = 1; id <= 3; ++id) {
                sum += operators.enrolmentOf(both[m], id).weight();
            }
            assertEq(operators.totalWeightOf(both[m]), sum);
        }
    }

    /// @dev A suite whose calls all return early proves nothing.
    function afterInvariant() public {
        emit log_named_uint("requests", handler.idCount());
        emit log_named_uint("settlements", handler.settlements());
        emit log_named_uint("expiries", handler.expiries());
        emit log_named_uint("redeliveries", handler.redeliveries());
        emit log_named_uint("refused", handler.refused());
    }

    function owed(address asset) private view returns (uint256 sum) {
        for (uint256 i = 0; i < 2; ++i) {
            sum += oracle.creditOf(address(consumers[i]), asset);
        }
        for (uint32 id = 1; id <= 3; ++id) {
            sum += oracle.earningsOf(id, asset);
        }
        bytes32[2] memory both = [MODEL, TOKEN_MODEL];
        for (uint256 m = 0; m < 2; ++m) {
            (uint256 royalties, uint256 protocolShare) = oracle.sharesOf(both[m], asset);
            sum += royalties + protocolShare;
        }
    }
}
