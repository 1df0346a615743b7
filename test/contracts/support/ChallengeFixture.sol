// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Vm} from "forge-std/Test.sol";

import {OracleFixture} from "./OracleFixture.sol";
import {JuryArbiter} from "@sibyl/contracts/arbiter/JuryArbiter.sol";
import {IJuryArbiter} from "@sibyl/contracts/interfaces/IJuryArbiter.sol";
import {IProposals} from "@sibyl/contracts/interfaces/IProposals.sol";
import {Attestation} from "@sibyl/contracts/types/Attestation.sol";
import {Dispute} from "@sibyl/contracts/types/Dispute.sol";
import {Policy} from "@sibyl/contracts/types/Policy.sol";
import {Proposal} from "@sibyl/contracts/types/Proposal.sol";
import {Request} from "@sibyl/contracts/types/Request.sol";
import {RequestParams} from "@sibyl/contracts/types/RequestParams.sol";

/// @notice The protocol with a jury as its arbiter: operators 1 to 3 sign, 4 to 9 judge, all of them drawn after a minute.
abstract contract ChallengeFixture is OracleFixture {
    uint32 internal constant WINDOW = 30 minutes;
    uint256 internal constant BOND = 0.4 ether;
    uint256 internal constant VERDICT_SECONDS = 1 hours;
    uint32 internal constant FIRST_JUROR = 4;

    JuryArbiter internal arbiter;
    address internal challenger = makeAddr("challenger");
    bytes internal otherOutput = abi.encode("something else");

    function setUp() public virtual override {
        super.setUp();
        arbiter = new JuryArbiter(oracle, BOND, VERDICT_SECONDS);
        vm.startPrank(owner);
        oracle.listArbiter(arbiter);
        operators.trustJudge(address(arbiter));
        vm.stopPrank();
        vm.deal(challenger, 100 ether);
    }

    function operatorCount() internal view virtual override returns (uint256) {
        return 9;
    }

    function windowed() internal view returns (RequestParams memory) {
        return paramsOf(Policy({committeeSize: 3, quorum: 3, challengeWindow: WINDOW}));
    }

    /// @notice Opens a request with a window; everybody is drawn by now.
    function openWindowed() internal returns (Request memory request) {
        request = open(windowed());
        skip(60);
    }

    /// @notice Proposes `output` by operators 1 to 3, submitted by operator 1.
    function propose(Request memory request) internal returns (Proposal memory) {
        vm.recordLogs();
        settle(request);
        return proposalIn(vm.getRecordedLogs());
    }

    function proposalIn(Vm.Log[] memory logs) internal pure returns (Proposal memory proposal) {
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] != IProposals.OutputProposed.selector) continue;
            (proposal,) = abi.decode(logs[i].data, (Proposal, bytes));
            return proposal;
        }
        revert("no OutputProposed among the logs");
    }

    function challenge(Request memory request, Proposal memory proposal) internal returns (Dispute memory) {
        return challengeBy(challenger, request, proposal);
    }

    /// @notice Challenges, and goes on until every operator is drawn as a juror.
    function challengeBy(address account, Request memory request, Proposal memory proposal)
        internal
        returns (Dispute memory dispute)
    {
        vm.recordLogs();
        vm.prank(account);
        arbiter.challenge{value: BOND}(request, proposal);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] != IJuryArbiter.ProposalChallenged.selector) continue;
            dispute = abi.decode(logs[i].data, (Dispute));
        }
        nextBlock();
        skip(60);
    }

    function idOf(Dispute memory dispute, Request memory request) internal view returns (bytes32) {
        return dispute.id(address(arbiter), request.id());
    }

    /// @notice Attestations of `answer` for a dispute by the four jurors from `FIRST_JUROR` on.
    function judge(bytes32 disputeId, bytes memory answer) internal view returns (Attestation[] memory) {
        return judgeFrom(FIRST_JUROR, disputeId, answer);
    }

    function judgeFrom(uint32 first, bytes32 disputeId, bytes memory answer)
        internal
        view
        returns (Attestation[] memory attestations)
    {
        attestations = new Attestation[](4);
        for (uint32 i = 0; i < 4; ++i) {
            attestations[i] = signWith(keys[first + i], first + i, disputeId, answer, 0, address(oracle));
        }
    }

    /// @notice All that the oracle owes in the native coin: to consumers, the challenger, operators and shares.
    function owedWei() internal view returns (uint256 sum) {
        sum = oracle.creditOf(address(consumer), NATIVE) + oracle.creditOf(challenger, NATIVE);
        for (uint32 id = 1; id < keys.length; ++id) {
            sum += oracle.earningsOf(id, NATIVE);
        }
        (uint256 royalties, uint256 protocolShare) = oracle.sharesOf(MODEL, NATIVE);
        return sum + royalties + protocolShare;
    }
}
