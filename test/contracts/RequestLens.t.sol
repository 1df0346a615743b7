// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ChallengeFixture} from "./support/ChallengeFixture.sol";
import {HostileConsumer} from "./support/HostileConsumer.sol";
import {RequestLens} from "@sibyl/contracts/RequestLens.sol";
import {Proposal} from "@sibyl/contracts/types/Proposal.sol";
import {Request} from "@sibyl/contracts/types/Request.sol";
import {RequestReport, StatusReason} from "@sibyl/contracts/types/RequestReport.sol";
import {RequestStatus} from "@sibyl/contracts/types/RequestStatus.sol";

contract RequestLensTest is ChallengeFixture {
    RequestLens internal lens;

    function setUp() public override {
        super.setUp();
        lens = new RequestLens(oracle, operators);
    }

    function test_Status_OfARequestThatNeverOpened() public {
        Request memory request = open(params());
        request.inputHash = keccak256("another input");
        assertReport(request, RequestStatus.None, StatusReason.NotOpen, 0);
    }

    function test_Status_BeforeTheNextBlockNobodyIsDrawn() public {
        Request memory request = open(params());
        vm.roll(request.opening.openedBlock());
        assertReport(request, RequestStatus.Open, StatusReason.AwaitingNextBlock, request.terms.deadline());
        assertFalse(lens.drawn(request, ids(9))[0]);
    }

    function test_Status_AwaitingAttestationsTellsTheRoundAndHowManyAreDrawn() public {
        Request memory request = open(params());
        vm.warp(request.opening.openedAt() + 9);
        assertReport(request, RequestStatus.Open, StatusReason.AwaitingAttestations, request.terms.deadline());
        RequestReport memory report = lens.statusOf(request);
        assertEq(report.round, 0);
        // A committee of three, drawn one and a half times.
        assertEq(report.drawnBps, 45_000);
        vm.warp(request.opening.openedAt() + 20);
        report = lens.statusOf(request);
        assertEq(report.round, 2);
        assertEq(report.drawnBps, 180_000);
    }

    function test_Status_GivenTheBlockHashIsGoneTheDrawIsLost() public {
        Request memory request = open(params());
        vm.roll(vm.getBlockNumber() + 9000);
        assertReport(request, RequestStatus.Open, StatusReason.DrawLost, request.terms.deadline());
        assertFalse(lens.drawn(request, ids(9))[0]);
    }

    function test_Status_AfterTheDeadlineItCanExpire() public {
        Request memory request = open(params());
        vm.warp(uint256(request.terms.deadline()) + 1);
        assertReport(request, RequestStatus.Open, StatusReason.DeadlinePassed, 0);
        oracle.expire(request);
        assertReport(request, RequestStatus.None, StatusReason.NotOpen, 0);
    }

    function test_Status_SettledIsFinal() public {
        Request memory request = open(params());
        skip(60);
        settle(request);
        assertReport(request, RequestStatus.Settled, StatusReason.Final, 0);
    }

    function test_Status_AFailedCallbackCanBeRedelivered() public {
        HostileConsumer hostile = new HostileConsumer(oracle, settings());
        Request memory request = openFor(hostile, params());
        skip(60);
        hostile.behave(HostileConsumer.Mood.Revert);
        settle(request);
        assertReport(request, RequestStatus.CallbackFailed, StatusReason.CallbackFailed, 0);
    }

    function test_Status_OfAProposalToTheLastSecondOfItsWindow() public {
        Request memory request = openWindowed();
        Proposal memory proposal = propose(request);
        assertReport(request, RequestStatus.Proposed, StatusReason.InChallengeWindow, 0);
        uint256 endsAt = proposal.proposedAt + WINDOW;
        vm.warp(endsAt);
        RequestReport memory report = lens.statusOf(request, proposal);
        assertEq(uint8(report.reason), uint8(StatusReason.InChallengeWindow));
        assertEq(report.until, endsAt);
        vm.warp(endsAt + 1);
        report = lens.statusOf(request, proposal);
        assertEq(uint8(report.reason), uint8(StatusReason.AwaitingFinalization));
        assertEq(report.until, 0);
        oracle.finalize(request, proposal, output);
        report = lens.statusOf(request, proposal);
        assertEq(uint8(report.reason), uint8(StatusReason.Final));
    }

    function test_Status_UnderChallenge() public {
        Request memory request = openWindowed();
        Proposal memory proposal = propose(request);
        challenge(request, proposal);
        assertReport(request, RequestStatus.Challenged, StatusReason.UnderChallenge, 0);
    }

    function test_Drawn_SaysWhoseSettlementWouldBeTaken() public {
        Request memory request = open(params());
        bool[] memory among = lens.drawn(request, ids(9));
        uint256 count;
        for (uint32 id = 1; id <= 9; ++id) {
            assertEq(among[id - 1], isDrawn(request, id, 0));
            if (among[id - 1]) ++count;
        }
        assertLt(count, 9);
        vm.warp(request.opening.openedAt() + 60);
        among = lens.drawn(request, ids(10));
        for (uint256 i = 0; i < 9; ++i) {
            assertTrue(among[i]);
        }
        // Nobody has the tenth id.
        assertFalse(among[9]);
    }

    function test_Drawn_NotThoseWhoseSeatsCameTooLate() public {
        vm.prank(ownerOf(2));
        operators.unenroll(MODEL);
        vm.prank(ownerOf(2));
        operators.enroll(MODEL);
        Request memory request = open(params());
        vm.warp(request.opening.openedAt() + 60);
        bool[] memory among = lens.drawn(request, ids(2));
        assertTrue(among[0]);
        assertFalse(among[1]);
    }

    function ids(uint32 count) private pure returns (uint32[] memory all) {
        all = new uint32[](count);
        for (uint32 i = 0; i < count; ++i) {
            all[i] = i + 1;
        }
    }

    function assertReport(Request memory request, RequestStatus status, StatusReason reason, uint256 until)
        private
        view
    {
        RequestReport memory report = lens.statusOf(request);
        assertEq(report.requestId, request.id());
        assertEq(uint8(report.status), uint8(status));
        assertEq(uint8(report.reason), uint8(reason));
        assertEq(report.until, until);
    }
}
