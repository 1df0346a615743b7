// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ChallengeFixture} from "./support/ChallengeFixture.sol";
import {HostileConsumer} from "./support/HostileConsumer.sol";
import {Attestation} from "@sibyl/contracts/types/Attestation.sol";
import {Dispute} from "@sibyl/contracts/types/Dispute.sol";
import {OracleParameters} from "@sibyl/contracts/types/OracleParameters.sol";
import {Policy} from "@sibyl/contracts/types/Policy.sol";
import {Proposal} from "@sibyl/contracts/types/Proposal.sol";
import {Request} from "@sibyl/contracts/types/Request.sol";
import {RequestParams} from "@sibyl/contracts/types/RequestParams.sol";
import {RequestStatus} from "@sibyl/contracts/types/RequestStatus.sol";

/// The dearest ends of a proposal, below what EIP-7825 lets one transaction spend: else whoever is to be punished could take
/// so many seats that no verdict against it fits.
/// @dev Forge would hold the test's own transaction to the cap as well, so it is given as the call's gas.
/// forge-config: default.isolate = true
contract ChallengeGasCapTest is ChallengeFixture {
    uint256 private constant CAP = 16_777_216;
    /// @dev More than the calldata of any of these calls costs before it runs.
    uint256 private constant INTRINSIC = 150_000;
    uint32 private constant SIGNERS = 7;
    uint32 private constant JURORS = 8;

    function operatorCount() internal pure override returns (uint256) {
        return SIGNERS + JURORS;
    }

    /// @dev The highest that `OracleGovernance` allows.
    function oracleParameters() internal pure override returns (OracleParameters memory p) {
        p = super.oracleParameters();
        p.maxCallbackGas = 10_000_000;
    }

    function test_Cap_TheDearestFinalizationFits() public {
        Request memory request = openDearest();
        Proposal memory proposal = propose(request);
        skip(WINDOW + 1);
        vm.prank(attesterOf(1));
        oracle.finalize{gas: CAP - INTRINSIC}(request, proposal, output);
        assertLt(vm.lastCallGas().gasTotalUsed, CAP);
        assertEq(uint8(oracle.status(request.id())), uint8(RequestStatus.CallbackFailed));
    }

    function test_Cap_TheDearestVerdictFits() public {
        takeAllSeatsOfSigners();
        Request memory request = openDearest();
        Dispute memory dispute = challenge(request, propose(request));
        Attestation[] memory jury = new Attestation[](JURORS);
        for (uint32 i = 0; i < JURORS; ++i) {
            uint32 id = SIGNERS + 1 + i;
            jury[i] = signWith(keys[id], id, idOf(dispute, request), otherOutput, 0, address(oracle));
        }
        vm.prank(attesterOf(SIGNERS + 1));
        arbiter.resolve{gas: CAP - INTRINSIC}(request, dispute, otherOutput, 0, jury);
        uint256 used = vm.lastCallGas().gasTotalUsed;
        emit log_named_uint("the dearest verdict used", used);
        assertLt(used, CAP);
        assertEq(uint8(oracle.status(request.id())), uint8(RequestStatus.CallbackFailed));
        for (uint32 id = 1; id <= SIGNERS; ++id) {
            assertEq(operators.modelsOf(id).length, 0);
        }
    }

    function takeAllSeatsOfSigners() private {
        uint256 most = operators.MAX_ENROLMENTS();
        for (uint32 id = 1; id <= SIGNERS; ++id) {
            vm.startPrank(ownerOf(id));
            for (uint256 i = operators.modelsOf(id).length; i < most; ++i) {
                operators.enroll(keccak256(abi.encode("another model", i)));
            }
            vm.stopPrank();
        }
        skip(60);
    }

    /// @dev The most signers, the most callback gas, and a callback that burns it.
    function openDearest() private returns (Request memory request) {
        HostileConsumer hostile = new HostileConsumer(oracle, settings());
        hostile.behave(HostileConsumer.Mood.BurnGas);
        RequestParams memory p = paramsOf(Policy({committeeSize: 7, quorum: 7, challengeWindow: WINDOW}));
        p.callbackGasLimit = 10_000_000;
        request = openFor(hostile, p);
        skip(60);
    }
}
