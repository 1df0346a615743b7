// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ChallengeFixture} from "./support/ChallengeFixture.sol";
import {HostileConsumer} from "./support/HostileConsumer.sol";
import {PlainToken} from "./support/TestTokens.sol";
import {JuryArbiter} from "@sibyl/contracts/arbiter/JuryArbiter.sol";
import {IFeeVault} from "@sibyl/contracts/interfaces/IFeeVault.sol";
import {IInferenceCallback} from "@sibyl/contracts/interfaces/IInferenceCallback.sol";
import {IInferenceOracle} from "@sibyl/contracts/interfaces/IInferenceOracle.sol";
import {IJuryArbiter} from "@sibyl/contracts/interfaces/IJuryArbiter.sol";
import {IModelRegistry} from "@sibyl/contracts/interfaces/IModelRegistry.sol";
import {IOperatorRegistry} from "@sibyl/contracts/interfaces/IOperatorRegistry.sol";
import {IOracleGovernance} from "@sibyl/contracts/interfaces/IOracleGovernance.sol";
import {IProposals} from "@sibyl/contracts/interfaces/IProposals.sol";
import {Attestation} from "@sibyl/contracts/types/Attestation.sol";
import {Dispute} from "@sibyl/contracts/types/Dispute.sol";
import {EnrolmentLib} from "@sibyl/contracts/types/Enrolment.sol";
import {ModelStatus, ModelTermsLib} from "@sibyl/contracts/types/ModelTerms.sol";
import {Offence} from "@sibyl/contracts/types/Offence.sol";
import {Proposal} from "@sibyl/contracts/types/Proposal.sol";
import {Request} from "@sibyl/contracts/types/Request.sol";
import {SignedOutput} from "@sibyl/contracts/types/SignedOutput.sol";

/// Nodes and apps live on events: each one comes, from the right contract, with the right words.
contract EventsTest is ChallengeFixture {
    // Money

    function test_Events_OfCreditAndTokens() public {
        PlainToken token = new PlainToken();
        token.mint(address(this), 1000);
        token.approve(address(oracle), 1000);
        vm.expectEmit(address(oracle));
        emit IFeeVault.TokenListed(1, address(token));
        vm.prank(owner);
        oracle.listToken(address(token));
        vm.expectEmit(address(oracle));
        emit IFeeVault.Deposited(asker, address(0), 5);
        oracle.deposit{value: 5}(asker);
        vm.expectEmit(address(oracle));
        emit IFeeVault.Deposited(asker, address(token), 700);
        oracle.depositToken(address(token), asker, 700);
        vm.expectEmit(address(oracle));
        emit IFeeVault.CreditWithdrawn(asker, address(token), address(0xcafe), 300);
        vm.prank(asker);
        oracle.withdrawCredit(address(token), address(0xcafe), 300);
        vm.expectEmit(address(oracle));
        emit IFeeVault.TokenAcceptanceChanged(1, false);
        vm.prank(owner);
        oracle.setTokenAccepted(address(token), false);
    }

    function test_Events_OfEarningsAndShares() public {
        Request memory request = open(params());
        // Until all are drawn.
        skip(60);
        settle(request);
        uint256 earned = oracle.earningsOf(2, NATIVE);
        (uint256 royalties, uint256 protocolShare) = oracle.sharesOf(MODEL, NATIVE);
        vm.expectEmit(address(oracle));
        emit IFeeVault.EarningsWithdrawn(2, NATIVE, address(0xcafe), earned);
        vm.prank(ownerOf(2));
        oracle.withdrawEarnings(2, NATIVE, address(0xcafe));
        vm.expectEmit(address(oracle));
        emit IFeeVault.RoyaltiesWithdrawn(MODEL, NATIVE, address(0xcafe), royalties);
        vm.prank(publisher);
        oracle.withdrawRoyalties(MODEL, NATIVE, address(0xcafe));
        vm.expectEmit(address(oracle));
        emit IFeeVault.ProtocolShareWithdrawn(MODEL, NATIVE, address(0xcafe), protocolShare);
        vm.prank(owner);
        oracle.withdrawProtocolShare(MODEL, NATIVE, address(0xcafe));
    }

    // Requests

    function test_Events_OfAFailedCallbackAndItsRedelivery() public {
        HostileConsumer hostile = new HostileConsumer(oracle, settings());
        Request memory request = openFor(hostile, params());
        skip(60);
        hostile.behave(HostileConsumer.Mood.Revert);
        vm.expectEmit(address(oracle));
        emit IInferenceOracle.CallbackFailed(request.id(), abi.encodeWithSelector(HostileConsumer.Refused.selector));
        settle(request);
        hostile.behave(HostileConsumer.Mood.Calm);
        vm.expectEmit(address(oracle));
        emit IInferenceOracle.Redelivered(request.id());
        oracle.redeliver(request, output);
    }

    function test_Events_OfAnExpiry() public {
        HostileConsumer hostile = new HostileConsumer(oracle, settings());
        Request memory request = openFor(hostile, params());
        hostile.behave(HostileConsumer.Mood.Revert);
        vm.expectCall(
            address(hostile),
            abi.encodeCall(
                IInferenceCallback.onExpired, (request.id(), request.funds.fee(), request.funds.gasReserve())
            )
        );
        vm.expectEmit(address(oracle));
        emit IInferenceOracle.RequestExpired(request.id(), request.funds);
        vm.expectEmit(address(oracle));
        emit IInferenceOracle.ExpiryCallbackFailed(
            request.id(), abi.encodeWithSelector(HostileConsumer.Refused.selector)
        );
        expire(request);
    }

    // Challenges

    function test_Events_OfADispute() public {
        Request memory request = openWindowed();
        Proposal memory proposal = propose(request);
        Dispute memory dispute = Dispute({
            proposal: proposal,
            challenger: challenger,
            challengedBlock: uint48(vm.getBlockNumber()),
            challengedAt: uint40(vm.getBlockTimestamp())
        });
        bytes32 disputeId = idOf(dispute, request);
        vm.expectEmit(address(arbiter));
        emit IJuryArbiter.ProposalChallenged(disputeId, request.id(), challenger, dispute);
        vm.expectEmit(address(oracle));
        emit IProposals.ProposalSuspended(request.id(), address(arbiter), proposal.hash());
        challenge(request, proposal);
        Attestation[] memory jury = judge(disputeId, otherOutput);
        uint256 jurors = uint256(4) << 224 | uint256(5) << 192 | uint256(6) << 160 | uint256(7) << 128;
        vm.expectEmit(address(arbiter));
        emit IJuryArbiter.ProposalOverturned(disputeId, request.id(), jurors, keccak256(otherOutput));
        vm.expectEmit(address(oracle));
        emit IFeeVault.Deposited(challenger, NATIVE, BOND);
        arbiter.resolve(request, dispute, otherOutput, 0, jury);
    }

    function test_Events_OfAProposalThatStands() public {
        Request memory request = openWindowed();
        Dispute memory dispute = challenge(request, propose(request));
        bytes32 disputeId = idOf(dispute, request);
        Attestation[] memory jury = judge(disputeId, output);
        uint256 jurors = uint256(4) << 224 | uint256(5) << 192 | uint256(6) << 160 | uint256(7) << 128;
        vm.expectEmit(address(arbiter));
        emit IJuryArbiter.ProposalUpheld(disputeId, request.id(), jurors);
        vm.expectEmit(address(operators));
        emit IOperatorRegistry.SlashedFundsAdded(address(arbiter), BOND / 2);
        arbiter.resolve(request, dispute, output, 0, jury);
    }

    function test_Events_OfALapse() public {
        Request memory request = openWindowed();
        Dispute memory dispute = challenge(request, propose(request));
        skip(VERDICT_SECONDS);
        vm.expectEmit(address(arbiter));
        emit IJuryArbiter.DisputeLapsed(idOf(dispute, request), request.id());
        vm.expectEmit(address(oracle));
        emit IFeeVault.Deposited(challenger, NATIVE, BOND);
        arbiter.lapse(request, dispute);
    }

    // Operators

    function test_Events_OfJoiningAndChanging() public {
        uint256 key = uint256(keccak256("a newcomer's key"));
        address newcomer = makeAddr("newcomer");
        vm.deal(newcomer, 5 ether);
        bytes memory agreed = consent(newcomer, key);
        uint32 id = uint32(keys.length);
        vm.startPrank(newcomer);
        vm.expectEmit(address(operators));
        emit IOperatorRegistry.OperatorRegistered(id, newcomer, vm.addr(key), "/dns/a");
        vm.expectEmit(address(operators));
        emit IOperatorRegistry.StakeChanged(id, 2 ether);
        operators.register{value: 2 ether}(vm.addr(key), agreed, "/dns/a");
        vm.expectEmit(address(operators));
        emit IOperatorRegistry.EndpointChanged(id, "/dns/b");
        operators.setEndpoint("/dns/b");
        uint64 total = operators.totalWeightOf(MODEL);
        vm.expectEmit(address(operators));
        emit IOperatorRegistry.EnrolmentChanged(
            MODEL, id, EnrolmentLib.pack(vm.addr(key), 2e6, uint40(vm.getBlockTimestamp() + 60)), total + 2e6
        );
        operators.enroll(MODEL);
        vm.expectEmit(address(operators));
        emit IOperatorRegistry.StakeChanged(id, 3 ether);
        operators.addStake{value: 1 ether}(id);
        vm.expectEmit(address(operators));
        emit IOperatorRegistry.StakeChanged(id, 1 ether);
        vm.expectEmit(address(operators));
        emit IOperatorRegistry.UnbondingBegun(id, 2 ether, vm.getBlockTimestamp() + 14 days);
        operators.beginUnbonding(2 ether);
        skip(14 days);
        vm.expectEmit(address(operators));
        emit IOperatorRegistry.UnbondedWithdrawn(id, address(0xcafe), 2 ether);
        operators.withdrawUnbonded(address(0xcafe));
        vm.stopPrank();
        uint256 next = uint256(keccak256("its next key"));
        agreed = consent(newcomer, next);
        vm.expectEmit(address(operators));
        emit IOperatorRegistry.AttesterRotated(id, vm.addr(next));
        vm.prank(newcomer);
        operators.rotateAttester(vm.addr(next), agreed);
        vm.expectEmit(address(operators));
        emit IOperatorRegistry.EnrolmentChanged(MODEL, id, EnrolmentLib.NONE, total);
        vm.prank(newcomer);
        operators.unenroll(MODEL);
    }

    function test_Events_OfPunishments() public {
        vm.prank(owner);
        vm.expectEmit(address(operators));
        emit IOperatorRegistry.JudgeTrusted(address(this));
        operators.trustJudge(address(this));
        uint256 amount = 0.2 ether;
        vm.expectEmit(address(operators));
        emit IOperatorRegistry.StakeChanged(3, STAKE - amount);
        vm.expectEmit(address(operators));
        emit IOperatorRegistry.OperatorPunished(
            3,
            address(this),
            asker,
            Offence.OverturnedOutput,
            amount,
            amount / 10,
            uint40(vm.getBlockTimestamp() + 7 days)
        );
        operators.punish(3, Offence.OverturnedOutput, asker);
        vm.expectEmit(address(operators));
        emit IOperatorRegistry.RewardsWithdrawn(asker, address(0xcafe), amount / 10);
        vm.prank(asker);
        operators.withdrawRewards(address(0xcafe));
        vm.expectEmit(address(operators));
        emit IOperatorRegistry.SlashedFundsWithdrawn(address(0xcafe), amount - amount / 10);
        vm.prank(owner);
        operators.withdrawSlashedFunds(address(0xcafe));
        vm.expectEmit(address(operators));
        emit IOperatorRegistry.SlashedFundsAdded(address(this), 7);
        operators.addSlashedFunds{value: 7}();
        vm.expectEmit(address(operators));
        emit IOperatorRegistry.JudgeDistrusted(address(this));
        vm.prank(owner);
        operators.distrustJudge(address(this));
    }

    function test_Events_OfASlash() public {
        bytes32 requestId = keccak256("any request");
        SignedOutput[2] memory signed;
        for (uint256 i = 0; i < 2; ++i) {
            Attestation memory attestation = signWith(keys[1], 1, requestId, abi.encode(i), 0, address(oracle));
            signed[i] = SignedOutput(keccak256(abi.encode(i)), attestation.r, attestation.vs);
        }
        vm.expectEmit(address(operators));
        emit IOperatorRegistry.StakeChanged(1, 0);
        vm.expectEmit(address(operators));
        emit IOperatorRegistry.EquivocationSlashed(1, requestId, address(this), STAKE, STAKE / 10);
        operators.slashEquivocation(address(oracle), requestId, 0, signed[0], signed[1]);
    }

    // Models and rules

    function test_Events_OfAModel() public {
        bytes32 id = keccak256("a new model");
        vm.expectEmit(address(models));
        emit IModelRegistry.ModelPublished(
            id, publisher, "ipfs://a", ModelTermsLib.pack(5, 6, 700, 0, ModelStatus.Active), profile()
        );
        vm.startPrank(publisher);
        models.publish(id, "ipfs://a", 0, 5, 6, 700, profile());
        assertEq(models.manifestURIOf(id), "ipfs://a");
        vm.expectEmit(address(models));
        emit IModelRegistry.ModelTermsChanged(id, ModelTermsLib.pack(8, 9, 100, 3, ModelStatus.Active));
        models.setPrice(id, 3, 8, 9, 100);
        vm.expectEmit(address(models));
        emit IModelRegistry.ManifestURIChanged(id, "ipfs://b");
        models.setManifestURI(id, "ipfs://b");
        vm.expectEmit(address(models));
        emit IModelRegistry.ModelTermsChanged(id, ModelTermsLib.pack(0, 0, 0, 0, ModelStatus.Retired));
        models.retire(id);
        vm.stopPrank();
    }

    function test_Events_OfGovernance() public {
        JuryArbiter next = new JuryArbiter(oracle, BOND, VERDICT_SECONDS);
        uint8 index = oracle.arbiterInOffice() + 1;
        vm.startPrank(owner);
        vm.expectEmit(address(oracle));
        emit IOracleGovernance.ArbiterListed(index, address(next));
        vm.expectEmit(address(oracle));
        emit IOracleGovernance.CurrentArbiterChanged(index);
        oracle.listArbiter(next);
        vm.expectEmit(address(oracle));
        emit IOracleGovernance.CurrentArbiterChanged(index - 1);
        oracle.activateArbiter(index - 1);
        vm.expectEmit(address(oracle));
        emit IOracleGovernance.GuardianChanged(asker);
        oracle.setGuardian(asker);
        vm.expectEmit(address(operators));
        emit IOperatorRegistry.OracleTrusted(address(0xbeef));
        operators.trustOracle(address(0xbeef));
        vm.stopPrank();
        vm.expectEmit(address(oracle));
        emit IOracleGovernance.RequestsPaused(vm.getBlockTimestamp() + 1 hours);
        vm.prank(asker);
        oracle.pauseRequests(1 hours);
        vm.expectEmit(address(oracle));
        emit IOracleGovernance.RequestsPaused(vm.getBlockTimestamp());
        vm.prank(owner);
        oracle.resumeRequests();
    }
}
