// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {OracleFixture} from "./support/OracleFixture.sol";
import {RerollingCaller} from "./support/RerollingCaller.sol";
import {IInferenceOracle} from "@sibyl/contracts/interfaces/IInferenceOracle.sol";
import {BlockHashes} from "@sibyl/contracts/libraries/BlockHashes.sol";
import {Sortition} from "@sibyl/contracts/libraries/Sortition.sol";
import {Attestation} from "@sibyl/contracts/types/Attestation.sol";
import {Policy} from "@sibyl/contracts/types/Policy.sol";
import {Request} from "@sibyl/contracts/types/Request.sol";
import {RequestParams} from "@sibyl/contracts/types/RequestParams.sol";

/// The draw, alone and as settlement applies it, among twelve operators.
contract SortitionTest is OracleFixture {
    function operatorCount() internal pure override returns (uint256) {
        return 12;
    }

    function testFuzz_IsDrawn_IsTheFraction(uint128 ticket, uint56 weight, uint64 total, uint8 size, uint16 overdraw)
        public
        pure
    {
        total = uint64(bound(total, 1, type(uint64).max));
        uint256 demand = Sortition.demandBps(size, overdraw, 0);
        bool expected = uint256(ticket) * total * 10_000 < (demand * weight) << 128;
        assertEq(Sortition.isDrawn(ticket, weight, total, demand), expected);
    }

    function testFuzz_IsDrawn_EverybodyIsOnceTheDemandIsTheWhole(uint128 ticket, uint56 weight) public pure {
        weight = uint56(bound(weight, 1, type(uint56).max));
        assertTrue(Sortition.isDrawn(ticket, weight, weight, 10_000));
    }

    function testFuzz_IsDrawn_NeverStopsBeingDrawn(uint128 ticket, uint56 weight, uint64 total, uint8 round)
        public
        pure
    {
        total = uint64(bound(total, 1, type(uint64).max));
        bool now_ = Sortition.isDrawn(ticket, weight, total, Sortition.demandBps(3, 15_000, round));
        bool later = Sortition.isDrawn(ticket, weight, total, Sortition.demandBps(3, 15_000, uint256(round) + 1));
        assertTrue(!now_ || later);
    }

    function test_Demand_DoublesUpTo32Times() public pure {
        assertEq(Sortition.demandBps(3, 15_000, 0), 45_000);
        assertEq(Sortition.demandBps(3, 15_000, 1), 90_000);
        assertEq(Sortition.demandBps(3, 15_000, 32), uint256(45_000) << 32);
        assertEq(Sortition.demandBps(3, 15_000, type(uint256).max), uint256(45_000) << 32);
        assertEq(Sortition.demandBps(255, type(uint16).max, 32), (uint256(255) * 65_535) << 32);
    }

    /// @dev 24,000 draws over four weights. Each operator's draws are a binomial of their own, independent of the others',
    /// so the sum has four degrees of freedom, and stays below 18.47 in 999 of 1000 experiments. The seeds are fixed, so
    /// this one either always passes or never.
    function test_Draw_FrequencyFollowsWeight() public pure {
        uint56[4] memory weights = [uint56(1e6), 2e6, 3e6, 4e6];
        uint256[4] memory drawn;
        uint256 rounds = 6000;
        for (uint256 i = 0; i < rounds; ++i) {
            bytes32 seed = Sortition.seed(bytes32(i), keccak256(abi.encode("block", i)));
            for (uint32 op = 0; op < 4; ++op) {
                if (Sortition.isDrawn(Sortition.ticket(seed, op + 1), weights[op], 10e6, 10_000)) ++drawn[op];
            }
        }
        uint256 chiSquareMilli;
        for (uint256 op = 0; op < 4; ++op) {
            uint256 expected = rounds * weights[op] / 10e6;
            uint256 distance = drawn[op] > expected ? drawn[op] - expected : expected - drawn[op];
            uint256 unexpected = rounds - expected;
            chiSquareMilli += 1000 * distance * distance / expected + 1000 * distance * distance / unexpected;
        }
        assertLt(chiSquareMilli, 18_470, "four independent binomials: 4 degrees of freedom, 999 of 1000");
    }

    function test_Settle_DrawnSignersOnly_AndEverybodyInTheEnd() public {
        Request memory request = open(paramsOf(Policy({committeeSize: 2, quorum: 1, challengeWindow: 0})));
        uint256 drawn;
        for (uint32 id = 1; id <= 12; ++id) {
            if (isDrawn(request, id, 0)) {
                ++drawn;
                continue;
            }
            Attestation[] memory one = by(request, id);
            vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.SignerNotDrawn.selector, id, 0));
            oracle.settle(request, output, 0, one);
        }
        assertLt(drawn, 12);
        uint32 undrawn = 1;
        while (isDrawn(request, undrawn, 0)) {
            ++undrawn;
        }
        uint256 round = 1;
        while (!isDrawn(request, undrawn, round)) {
            ++round;
        }
        vm.warp(uint256(request.opening.openedAt()) + 10 * round - 1);
        Attestation[] memory late = by(request, undrawn);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.SignerNotDrawn.selector, undrawn, round - 1));
        oracle.settle(request, output, 0, late);
        skip(1);
        oracle.settle(request, output, 0, late);
        assertEq(consumer.results(), 1);
    }

    /// @dev A caller that looks at the draw and reverts gains nothing: there is no draw to look at yet.
    function test_Request_CannotRerollByReverting() public {
        Request memory request = open(params());
        assertEq(request.opening.openedBlock(), block.number - 1);
        uint256 cost = costOf(params());
        vm.recordLogs();
        bytes32 id = oracle.request{value: cost}(params());
        remember(vm.getRecordedLogs());
        assertEq(blockhash(block.number), 0);
        assertEq(BlockHashes.find(block.number), 0);
        Attestation[] memory early = new Attestation[](3);
        vm.expectRevert(abi.encodeWithSelector(BlockHashes.BlockHashUnavailable.selector, block.number, block.number));
        oracle.settle(opened[id], output, 0, early);
    }

    /// @dev 480 callers that each take back up to 16 requests within their transaction until they believe that their favourite is
    /// drawn. It is drawn as often as if they had not tried: one in four, by a chi-square of one degree of freedom that 999 of
    /// 1000 experiments stay below.
    function test_Request_RevertingUntilItLooksGoodGainsNothing() public {
        RerollingCaller caller = new RerollingCaller(oracle, 1);
        RequestParams memory p = paramsOf(Policy({committeeSize: 2, quorum: 1, challengeWindow: 0}));
        uint256 cost = costOf(p);
        uint256 rounds = 480;
        vm.deal(address(caller), rounds * cost);
        uint256 demandBps = Sortition.demandBps(2, oracleParameters().overdrawBps, 0);
        uint256 drawn;
        for (uint256 i = 0; i < rounds; ++i) {
            vm.recordLogs();
            bytes32 id = caller.askUntilLiked(p, cost, demandBps, 12e6);
            remember(vm.getRecordedLogs());
            nextBlock();
            if (isDrawn(opened[id], 1, 0)) ++drawn;
        }
        assertGt(caller.rejected(), rounds, "it did try");
        uint256 expected = rounds / 4;
        uint256 distance = drawn > expected ? drawn - expected : expected - drawn;
        uint256 chiSquareMilli =
            1000 * distance * distance / expected + 1000 * distance * distance / (rounds - expected);
        assertLt(chiSquareMilli, 10_828);
    }

    function test_BlockHashes_ReachBehindTheOpcode() public {
        // The history contract as EIP-2935 deploys it.
        vm.etch(
            BlockHashes.HISTORY,
            hex"3373fffffffffffffffffffffffffffffffffffffffe14604657602036036042575f35600143038111604257611fff81430311604257611fff9006545f5260205ff35b5f5ffd5b5f35611fff60014303065500"
        );
        uint256 old = vm.getBlockNumber();
        bytes32 hash = keccak256("the hash of an old block");
        vm.store(BlockHashes.HISTORY, bytes32(old % 8191), hash);
        vm.roll(old + 257);
        assertEq(blockhash(old), 0);
        assertEq(BlockHashes.get(old), hash);
        vm.roll(old + 8191);
        assertEq(BlockHashes.get(old), hash);
        vm.roll(old + 8192);
        assertEq(BlockHashes.find(old), 0);
    }

    function test_Settle_LongAfterTheOpcodeForgot() public {
        RequestParams memory p = params();
        p.deadline = uint40(block.timestamp + 1 hours);
        Request memory request = open(p);
        bytes32 hash = blockhash(request.opening.openedBlock());
        vm.etch(
            BlockHashes.HISTORY,
            hex"3373fffffffffffffffffffffffffffffffffffffffe14604657602036036042575f35600143038111604257611fff81430311604257611fff9006545f5260205ff35b5f5ffd5b5f35611fff60014303065500"
        );
        vm.store(BlockHashes.HISTORY, bytes32(uint256(request.opening.openedBlock()) % 8191), hash);
        vm.roll(block.number + 300);
        skip(1800);
        settle(request);
        assertEq(consumer.results(), 1);
    }

    function test_RevertGiven_TheHashIsGone() public {
        Request memory request = open(params());
        vm.etch(BlockHashes.HISTORY, "");
        vm.roll(block.number + 300);
        Attestation[] memory attestations = attest(request);
        vm.expectRevert(
            abi.encodeWithSelector(
                BlockHashes.BlockHashUnavailable.selector, request.opening.openedBlock(), block.number
            )
        );
        oracle.settle(request, output, 0, attestations);
    }

    function by(Request memory request, uint32 operatorId) private view returns (Attestation[] memory one) {
        one = new Attestation[](1);
        one[0] = sign(operatorId, request, output, 0);
    }
}
