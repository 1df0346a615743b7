// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ChallengeFixture} from "./support/ChallengeFixture.sol";
import {RecordingConsumer} from "./support/RecordingConsumer.sol";
import {JuryArbiter} from "@sibyl/contracts/arbiter/JuryArbiter.sol";
import {IArbiter} from "@sibyl/contracts/interfaces/IArbiter.sol";
import {IFeeVault} from "@sibyl/contracts/interfaces/IFeeVault.sol";
import {IInferenceOracle} from "@sibyl/contracts/interfaces/IInferenceOracle.sol";
import {IJuryArbiter} from "@sibyl/contracts/interfaces/IJuryArbiter.sol";
import {IModelRegistry} from "@sibyl/contracts/interfaces/IModelRegistry.sol";
import {IOracleGovernance} from "@sibyl/contracts/interfaces/IOracleGovernance.sol";
import {Offers} from "@sibyl/contracts/libraries/Offers.sol";
import {Policies} from "@sibyl/contracts/libraries/Policies.sol";
import {Attestation} from "@sibyl/contracts/types/Attestation.sol";
import {InferenceSettings} from "@sibyl/contracts/types/InferenceSettings.sol";
import {Proposal} from "@sibyl/contracts/types/Proposal.sol";
import {Quote} from "@sibyl/contracts/types/Quote.sol";
import {Request} from "@sibyl/contracts/types/Request.sol";
import {RequestStatus} from "@sibyl/contracts/types/RequestStatus.sol";

/// @notice Asks by other settings than its own, and takes its credit out.
contract ChoosyConsumer is RecordingConsumer {
    constructor(IInferenceOracle oracle_, InferenceSettings memory settings) RecordingConsumer(oracle_, settings) {}

    function askBy(bytes32 modelId, bytes calldata input, InferenceSettings calldata settings)
        external
        payable
        returns (bytes32)
    {
        return _infer(modelId, input, msg.value, settings);
    }
}

/// Refusals and edges that no other suite is about.
contract RefusalsTest is ChallengeFixture {
    // Who may change a model

    function test_RevertWhen_AModelThatNobodyPublishedIsChanged() public {
        bytes32 unknown = keccak256("nobody's");
        bytes memory reason = abi.encodeWithSelector(IModelRegistry.ModelNotPublished.selector, unknown);
        vm.startPrank(publisher);
        vm.expectRevert(reason);
        models.setPrice(unknown, 0, 1, 1, 1);
        vm.expectRevert(reason);
        models.setManifestURI(unknown, "");
        vm.expectRevert(reason);
        models.retire(unknown);
    }

    function test_RevertGiven_TheModelIsRetired() public {
        vm.startPrank(publisher);
        models.retire(MODEL);
        bytes memory reason = abi.encodeWithSelector(IModelRegistry.ModelIsRetired.selector, MODEL);
        vm.expectRevert(reason);
        models.setPrice(MODEL, 0, 1, 1, 1);
        vm.expectRevert(reason);
        models.setManifestURI(MODEL, "");
        vm.expectRevert(reason);
        models.retire(MODEL);
    }

    function test_RevertWhen_TheViewHasMoreThan32Bits() public {
        Request memory request = openWindowed();
        Attestation[] memory attestations = attest(request);
        uint256 viewNumber = uint256(type(uint32).max) + 1;
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.ViewOutOfBounds.selector, viewNumber, type(uint32).max));
        oracle.settle(request, output, viewNumber, attestations);
    }

    // Arbiters

    function test_RevertWhen_AnArbiterHasNoCode() public {
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(IOracleGovernance.ArbiterHasNoCode.selector, asker));
        oracle.listArbiter(IArbiter(asker));
    }

    function test_RevertGiven_TheArbiterListIsFull() public {
        vm.startPrank(owner);
        uint256 left = uint256(type(uint8).max) - oracle.arbiterInOffice();
        for (uint256 i = 0; i < left; ++i) {
            oracle.listArbiter(arbiter);
        }
        assertEq(oracle.arbiterInOffice(), type(uint8).max);
        vm.expectRevert(IOracleGovernance.ArbiterListFull.selector);
        oracle.listArbiter(arbiter);
        assertEq(address(oracle.arbiterByIndex(type(uint8).max)), address(arbiter));
    }

    function test_RevertWhen_AnUnknownArbiterIsActivated() public {
        uint8 next = oracle.arbiterInOffice() + 1;
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(IOracleGovernance.ArbiterIndexUnknown.selector, next));
        oracle.activateArbiter(next);
    }

    function test_Arbiter_TakesTheBoundsOfItsTermsAndNothingBeyond() public {
        assertEq(new JuryArbiter(oracle, 0.0001 ether, 1 minutes).verdictSeconds(), 1 minutes);
        assertEq(new JuryArbiter(oracle, 0.0001 ether, 12 hours).bondWei(), 0.0001 ether);
        vm.expectPartialRevert(IJuryArbiter.BondOutOfBounds.selector);
        new JuryArbiter(oracle, 0.0001 ether - 1, 1 hours);
        vm.expectPartialRevert(IJuryArbiter.VerdictTimeOutOfBounds.selector);
        new JuryArbiter(oracle, 1 ether, 1 minutes - 1);
        vm.expectPartialRevert(IJuryArbiter.VerdictTimeOutOfBounds.selector);
        new JuryArbiter(oracle, 1 ether, 12 hours + 1);
    }

    // Money

    function test_RevertWhen_NobodyIsToBePaid() public {
        vm.expectRevert(IFeeVault.NobodyToPay.selector);
        oracle.splitEarnings{value: 1}(0);
        // An empty first place ends the word.
        vm.expectRevert(IFeeVault.NobodyToPay.selector);
        oracle.splitEarnings{value: 1}(uint256(5) << 192);
    }

    function testFuzz_SplitEarnings_PaysEveryWei(uint96 value, uint8 count) public {
        count = uint8(bound(count, 1, 8));
        vm.deal(address(this), value);
        uint256 signers;
        for (uint256 i = 0; i < count; ++i) {
            signers |= (i + 1) << 224 - 32 * i;
        }
        oracle.splitEarnings{value: value}(signers);
        uint256 each = value / count;
        assertEq(oracle.earningsOf(1, NATIVE), value - each * (count - 1));
        for (uint32 id = 2; id <= count; ++id) {
            assertEq(oracle.earningsOf(id, NATIVE), each);
        }
        assertEq(oracle.earningsOf(count + 1, NATIVE), 0);
    }

    /// @dev A submitter's gas may cost all of the reserve, and then not more.
    function test_Propose_OwesNoMoreThanTheReserve() public {
        Request memory request = openWindowed();
        vm.txGasPrice(GAS_PRICE);
        // Long, so that its calldata alone costs more than was set aside.
        output = new bytes(32_768);
        Proposal memory proposal = propose(request);
        assertEq(proposal.gasOwed, request.funds.gasReserve());
        skip(WINDOW + 1);
        vm.prank(attesterOf(1));
        oracle.finalize(request, proposal, output);
        assertEq(oracle.creditOf(address(consumer), NATIVE), 0);
        assertEq(address(oracle).balance, owedWei());
    }

    // Asking

    function test_RevertWhen_QuotingAnInputThatIsTooLong() public {
        uint256 most = oracleParameters().maxInputBytes;
        oracle.quote(MODEL, most, Policies.threeUnanimous(), 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.InputTooLong.selector, most + 1, most));
        oracle.quote(MODEL, most + 1, Policies.threeUnanimous(), 0, 0);
    }

    function test_Quote_ItemizesEveryPart() public view {
        Quote memory q = oracle.quote(MODEL, 2049, Policies.threeUnanimous(), 100_000, 5 gwei);
        assertEq(q.executions, 3 * uint256(PRICE));
        assertEq(q.inputSurcharge, 9 * uint256(PRICE_PER_KIB));
        assertEq(q.fee, q.executions + q.inputSurcharge);
        assertEq(q.royalty, q.fee * ROYALTY_BPS / 10_000);
        assertEq(q.protocolShare, q.fee * PROTOCOL_BPS / 10_000);
        assertEq(q.token, NATIVE);
        assertEq(q.nativeTotal, q.fee + q.gasReserve);
    }

    function test_RevertWhen_TheModelRegistryAnswersSomethingElse() public {
        uint256 cost = costOf(params());
        bytes memory call = abi.encodeCall(models.offerOf, (MODEL, address(operators)));
        vm.mockCall(address(models), call, abi.encode(1, 2));
        vm.prank(asker);
        vm.expectRevert(abi.encodeWithSelector(Offers.OfferUnreadable.selector, address(models)));
        consumer.askWith{value: cost}(params());
    }

    function test_Consumer_AsksByOtherSettingsAndWithdraws() public {
        ChoosyConsumer choosy = new ChoosyConsumer(oracle, settings());
        InferenceSettings memory other = settings();
        other.policy = Policies.singleSigner();
        other.callbackGasLimit = 123_456;
        other.lifetimeSeconds = 77;
        uint256 cost = oracle.quote(MODEL, input.length, other.policy, 123_456, other.maxGasPrice).nativeTotal;
        vm.recordLogs();
        vm.prank(asker);
        bytes32 id = choosy.askBy{value: cost}(MODEL, input, other);
        remember(vm.getRecordedLogs());
        Request memory request = opened[id];
        assertEq(request.terms.quorum(), 1);
        assertEq(request.terms.committeeSize(), 1);
        assertEq(request.terms.callbackGasLimit(), 123_456);
        assertEq(request.terms.deadline(), vm.getBlockTimestamp() + 77);
        assertEq(request.funds.maxGasPrice(), other.maxGasPrice);
        expire(request);
        assertEq(uint8(oracle.status(id)), uint8(RequestStatus.None));
        choosy.withdraw(address(0xcafe), cost);
        assertEq(address(0xcafe).balance, cost);
    }
}
