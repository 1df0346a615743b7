// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";

import {DemoDollar} from "../contracts/DemoDollar.sol";
import {Lending} from "../contracts/Lending.sol";
import {PriceHistory} from "../contracts/PriceHistory.sol";
import {ScoresCodec} from "@sibyl/contracts/libraries/codecs/ScoresCodec.sol";
import {VectorCodec} from "@sibyl/contracts/libraries/codecs/VectorCodec.sol";
import {InferenceTest} from "@sibyl/contracts/testing/InferenceTest.sol";

contract LendingTest is Test, InferenceTest {
    bytes32 internal constant MODEL = keccak256("drawdown");

    PriceHistory internal prices;
    DemoDollar internal dollar;
    Lending internal lending;
    address internal borrower = makeAddr("borrower");

    function setUp() public {
        vm.warp(1_800_000_000);
        prices = new PriceHistory(address(this));
        dollar = new DemoDollar();
        lending = new Lending(oracle, MODEL, prices, dollar, inferenceSettings());
        dollar.setLender(address(lending));
        recordDays(61, 2000e18);
        vm.deal(borrower, 100 ether);
    }

    function test_Features_AreThoseOfTheModel() public {
        // Sixty days up by one percent each would be long sums; one fall of ten percent is easy to follow.
        recordDays(1, 1800e18);
        int256[] memory values = prices.features();
        assertEq(values[0], 0.1e18 / 5);
        assertEq(values[1], 0.1e18 / 20);
        assertEq(values[2], int256(0.1e18) / 60);
        assertEq(values[3], -0.1e18);
        assertEq(values[4], 0.1e18);
    }

    function test_Assess_AsksWithThePricesAndNothingElse() public {
        bytes32 id = assess();
        assertEq(oracle.inputOf(id), VectorCodec.encode(prices.features()));
        assertEq(oracle.requestOf(id).modelId, MODEL);
    }

    function test_Score_LowRiskRaisesTheLimitByADaysStep() public {
        scoreOf(0);
        assertEq(lending.loanToValueWad(), 0.55e18);
        skip(1 days);
        scoreOf(0);
        assertEq(lending.loanToValueWad(), 0.6e18);
    }

    function test_Score_ManyScoresRaiseNoMoreThanOne() public {
        scoreOf(0);
        for (uint256 i = 0; i < 6; ++i) {
            skip(1 hours);
            scoreOf(0);
        }
        assertApproxEqAbs(lending.loanToValueWad(), 0.55e18 + uint256(0.05e18) * 6 / 24, 6);
    }

    function test_Score_HighRiskLowersTheLimitAtOnce() public {
        for (uint256 i = 0; i < 6; ++i) {
            skip(1 days);
            scoreOf(0);
        }
        assertEq(lending.loanToValueWad(), 0.75e18);
        skip(1);
        scoreOf(1e18);
        assertEq(lending.loanToValueWad(), 0.5e18);
    }

    function testFuzz_Score_NeverLeavesTheLimits(uint256[8] memory risksWad, uint256[8] memory pauses) public {
        for (uint256 i = 0; i < 8; ++i) {
            skip(bound(pauses[i], 1, 3 days));
            scoreOf(bound(risksWad[i], 0, type(uint128).max));
            assertGe(lending.loanToValueWad(), lending.MIN_LOAN_TO_VALUE_WAD());
            assertLe(lending.loanToValueWad(), lending.MAX_LOAN_TO_VALUE_WAD());
        }
    }

    function test_Score_CountsForADay() public {
        scoreOf(0);
        skip(1 days + 1);
        assertEq(lending.loanToValueWad(), 0.5e18);
    }

    function test_Score_AnOlderQuestionsAnswerChangesNothing() public {
        bytes32 older = assess();
        skip(60);
        scoreOf(1e18);
        answer(older, scores(0));
        assertEq(lending.riskWad(), 1e18);
    }

    function test_Score_MalformedOutputIsRefused() public {
        bytes32 id = assess();
        answerRefused(id, hex"01");
        assertEq(lending.scoredAt(), 0);
    }

    function test_Expiry_RefundsWhoeverPaid() public {
        uint256 before = borrower.balance;
        bytes32 id = assess();
        expire(id);
        vm.prank(borrower);
        lending.claimRefund();
        assertEq(borrower.balance, before);
        assertEq(lending.loanToValueWad(), 0.5e18);
    }

    function test_Borrow_UpToTheLimit() public {
        vm.startPrank(borrower);
        lending.borrow{value: 1 ether}(1000e18);
        assertEq(dollar.balanceOf(borrower), 1000e18);
        vm.expectRevert(abi.encodeWithSelector(Lending.LimitExceeded.selector, 1001e18, 1000e18));
        lending.borrow(1e18);
    }

    function test_Repay_GivesTheCollateralBack() public {
        uint256 before = borrower.balance;
        vm.startPrank(borrower);
        lending.borrow{value: 1 ether}(500e18);
        vm.expectPartialRevert(Lending.LimitExceeded.selector);
        lending.repay(0, 0.6 ether);
        lending.repay(500e18, 1 ether);
        assertEq(borrower.balance, before);
        assertEq(dollar.totalSupply(), 0);
    }

    function test_Score_CannotTouchALoanThatExists() public {
        scoreOf(0);
        vm.prank(borrower);
        lending.borrow{value: 1 ether}(1100e18);
        skip(1);
        scoreOf(1e18);
        vm.expectPartialRevert(Lending.NotLiquidatable.selector);
        lending.liquidate(borrower);
    }

    function test_Liquidate_OnceThePriceHasFallen() public {
        vm.prank(borrower);
        lending.borrow{value: 1 ether}(1000e18);
        recordDays(1, 1100e18);
        address keeper = makeAddr("keeper");
        vm.prank(borrower);
        dollar.transfer(keeper, 1000e18);
        vm.prank(keeper);
        lending.liquidate(borrower);
        assertEq(keeper.balance, 1 ether);
        (uint128 collateralWei, uint128 debtWad) = lending.loans(borrower);
        assertEq(uint256(collateralWei) + debtWad, 0);
    }

    function test_RevertGiven_TooFewDays() public {
        PriceHistory young = new PriceHistory(address(this));
        vm.expectRevert(abi.encodeWithSelector(PriceHistory.TooFewDays.selector, 0, 61));
        young.features();
        vm.expectRevert(abi.encodeWithSelector(PriceHistory.TooFewDays.selector, 0, 1));
        young.priceWad();
    }

    function test_RevertWhen_AStrangerRecordsPricesOrMakesDollars() public {
        vm.startPrank(borrower);
        vm.expectRevert(abi.encodeWithSelector(PriceHistory.OnlyReporter.selector, borrower));
        prices.record(new uint256[](1));
        vm.expectRevert(abi.encodeWithSelector(DemoDollar.OnlyLender.selector, borrower));
        dollar.mint(borrower, 1);
        vm.expectRevert(abi.encodeWithSelector(DemoDollar.LenderIsSet.selector, lending));
        dollar.setLender(borrower);
    }

    function test_Callback_LeavesGasToSpare() public {
        bytes32 id = assess();
        answer(id, scores(0.1e18));
        assertLt(oracle.callbackGasOf(id), 100_000);
    }

    function assess() private returns (bytes32 id) {
        uint256 cost = lending.assessmentCost();
        vm.prank(borrower);
        return lending.assess{value: cost}();
    }

    function scoreOf(uint256 riskWad) private {
        answer(assess(), scores(riskWad));
    }

    function scores(uint256 riskWad) private pure returns (bytes memory) {
        uint256[] memory both = new uint256[](2);
        both[1] = riskWad;
        return ScoresCodec.encode(0, 0, both);
    }

    function recordDays(uint256 count, uint256 closeWad) private {
        uint256[] memory closesWad = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            closesWad[i] = closeWad;
        }
        prices.record(closesWad);
    }
}
