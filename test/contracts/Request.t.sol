// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {OracleFixture} from "./support/OracleFixture.sol";
import {IFeeVault} from "@sibyl/contracts/interfaces/IFeeVault.sol";
import {IInferenceOracle} from "@sibyl/contracts/interfaces/IInferenceOracle.sol";
import {IOracleGovernance} from "@sibyl/contracts/interfaces/IOracleGovernance.sol";
import {Policies} from "@sibyl/contracts/libraries/Policies.sol";
import {ModelStatus} from "@sibyl/contracts/types/ModelTerms.sol";
import {Policy} from "@sibyl/contracts/types/Policy.sol";
import {Quote} from "@sibyl/contracts/types/Quote.sol";
import {Request} from "@sibyl/contracts/types/Request.sol";
import {RequestParams} from "@sibyl/contracts/types/RequestParams.sol";
import {RequestStatus} from "@sibyl/contracts/types/RequestStatus.sol";

/// request
/// ├── when the model is unknown, retired, or has fewer seats than the quorum: it should revert
/// ├── when quorum, window, input, callback gas or deadline are out of bounds: it should revert
/// ├── when the fee is above the maximum, or too little is attached: it should revert
/// ├── given requests are paused: it should revert
/// └── when all is right
///     ├── it should log the request as its id says
///     ├── it should keep parameters as they stand
///     ├── it should take the attached value first, then credit, and credit an excess
///     └── given an identical request in the same block: it should get another id
contract RequestTest is OracleFixture {
    function test_Request_LogsWhatItsIdSays() public {
        RequestParams memory p = params();
        uint48 openedBlock = uint48(vm.getBlockNumber());
        uint40 openedAt = uint40(vm.getBlockTimestamp());
        Request memory request = open(p);

        assertEq(request.modelId, MODEL);
        assertEq(request.inputHash, keccak256(p.input));
        assertEq(request.terms.consumer(), address(consumer));
        assertEq(request.terms.deadline(), p.deadline);
        assertEq(request.terms.callbackGasLimit(), p.callbackGasLimit);
        assertEq(request.terms.committeeSize(), 3);
        assertEq(request.terms.quorum(), 3);
        assertEq(request.terms.salt(), 0);
        assertEq(request.opening.totalWeight(), 3 * STAKE / 1e12);
        assertEq(request.opening.openedBlock(), openedBlock);
        assertEq(request.opening.openedAt(), openedAt);
        assertEq(request.opening.roundSeconds(), 10);
        assertEq(request.opening.overdrawBps(), 15_000);
        assertEq(request.opening.royaltyBps(), ROYALTY_BPS);
        assertEq(request.opening.protocolBps(), PROTOCOL_BPS);
        assertEq(request.opening.tokenIndex(), 0);
        assertEq(request.funds.maxGasPrice(), p.maxGasPrice);
        assertEq(uint256(request.funds.fee()) + request.funds.gasReserve(), costOf(p));
        assertEq(uint8(oracle.status(request.id())), uint8(RequestStatus.Open));
        assertEq(consumer.results(), 0, "no callback inside request");
    }

    function test_Request_TellsIdenticalRequestsOfOneBlockApart() public {
        RequestParams memory p = params();
        uint256 cost = costOf(p);
        bytes32[] memory ids = new bytes32[](3);
        for (uint256 i = 0; i < 3; ++i) {
            ids[i] = consumer.askWith{value: cost}(p);
        }
        assertTrue(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2]);
    }

    function test_RevertGiven_256IdenticalRequests() public {
        RequestParams memory p = params();
        uint256 cost = costOf(p);
        for (uint256 i = 0; i < 256; ++i) {
            consumer.askWith{value: cost}(p);
        }
        vm.expectRevert(
            abi.encodeWithSelector(IInferenceOracle.TooManyIdenticalRequests.selector, MODEL, address(consumer))
        );
        consumer.askWith{value: cost}(p);
    }

    function test_Request_CreditsAnExcess() public {
        uint256 cost = costOf(params());
        vm.prank(asker);
        consumer.askWith{value: cost + 1}(params());
        assertEq(oracle.creditOf(address(consumer), NATIVE), 1);
    }

    function test_Request_TakesWhatIsMissingFromCredit() public {
        uint256 cost = costOf(params());
        oracle.deposit{value: cost}(address(consumer));
        vm.prank(asker);
        consumer.askWith{value: 1}(params());
        assertEq(oracle.creditOf(address(consumer), NATIVE), 1);
        consumer.askWith{value: cost - 1}(params());
        assertEq(oracle.creditOf(address(consumer), NATIVE), 0);
    }

    function test_RevertWhen_OneWeiIsMissing() public {
        uint256 cost = costOf(params());
        vm.expectRevert(abi.encodeWithSelector(IFeeVault.CreditTooLow.selector, address(consumer), NATIVE, 0, 1));
        consumer.askWith{value: cost - 1}(params());
    }

    function test_RevertWhen_TheModelIsUnknown() public {
        RequestParams memory p = params();
        p.modelId = keccak256("no model");
        vm.expectRevert(
            abi.encodeWithSelector(IInferenceOracle.ModelNotActive.selector, p.modelId, ModelStatus.Unknown)
        );
        consumer.askWith{value: 1 ether}(p);
    }

    function test_RevertGiven_TheModelIsRetired() public {
        vm.prank(publisher);
        models.retire(MODEL);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.ModelNotActive.selector, MODEL, ModelStatus.Retired));
        consumer.askWith{value: 1 ether}(params());
    }

    function test_RevertGiven_FewerSeatsThanTheQuorum() public {
        vm.prank(ownerOf(1));
        operators.unenroll(MODEL);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.TooFewOperators.selector, MODEL, 2, 3));
        consumer.askWith{value: 1 ether}(params());
    }

    function test_RevertWhen_TheQuorumIsOutOfBounds() public {
        expectQuorumRefused(3, 0);
        expectQuorumRefused(2, 3);
        expectQuorumRefused(9, 9);
    }

    function test_RevertWhen_AChallengeWindowIsAsked() public {
        RequestParams memory p = params();
        p.policy.challengeWindow = 1;
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.ChallengeWindowNotOffered.selector, 1));
        consumer.askWith{value: 1 ether}(p);
    }

    function test_RevertWhen_TheInputIsTooLong() public {
        RequestParams memory p = params();
        p.input = new bytes(65_537);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.InputTooLong.selector, 65_537, 65_536));
        consumer.askWith{value: 1 ether}(p);
    }

    function test_RevertWhen_TheCallbackGasIsTooHigh() public {
        RequestParams memory p = params();
        p.callbackGasLimit = 2_000_001;
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.CallbackGasTooHigh.selector, 2_000_001, 2_000_000));
        consumer.askWith{value: 1 ether}(p);
    }

    function test_RevertWhen_TheDeadlineIsNow() public {
        expectDeadlineRefused(block.timestamp);
    }

    function test_RevertWhen_TheDeadlineIsTooFar() public {
        expectDeadlineRefused(block.timestamp + 1 hours + 1);
    }

    function test_RevertWhen_TheFeeIsAboveTheMaximum() public {
        RequestParams memory p = params();
        uint256 fee = 3 * uint256(PRICE + PRICE_PER_KIB);
        p.maxFee = uint96(fee - 1);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.FeeAboveMaximum.selector, fee, fee - 1));
        consumer.askWith{value: 1 ether}(p);
    }

    function test_RevertGiven_RequestsArePaused() public {
        vm.prank(guardian);
        oracle.pauseRequests(1 days);
        vm.expectRevert(abi.encodeWithSelector(IOracleGovernance.RequestsArePaused.selector, block.timestamp + 1 days));
        consumer.askWith{value: 1 ether}(params());
    }

    function test_Request_OpenOnesSettleWhilePaused() public {
        Request memory request = open(params());
        vm.prank(guardian);
        oracle.pauseRequests(1 days);
        settle(request);
        assertEq(consumer.results(), 1);
    }

    function test_Request_KeepsWhatItOpenedWith() public {
        Request memory request = open(params());
        vm.prank(publisher);
        models.setPrice(MODEL, 0, 100 ether, 0, 0);
        (uint256 before,) = oracle.sharesOf(MODEL, NATIVE);
        settle(request);
        (uint256 royalties,) = oracle.sharesOf(MODEL, NATIVE);
        assertEq(royalties - before, uint256(request.funds.fee()) * ROYALTY_BPS / 10_000);
    }

    function test_RequestBatch_OpensAllWithOnePayment() public {
        RequestParams[] memory many = new RequestParams[](3);
        for (uint256 i = 0; i < 3; ++i) {
            many[i] = params();
        }
        many[1].input = abi.encode("another question");
        uint256 cost = costOf(many[0]) + costOf(many[1]) + costOf(many[2]);
        vm.prank(asker);
        bytes32[] memory ids = consumer.askMany{value: cost + 5}(many);
        for (uint256 i = 0; i < 3; ++i) {
            assertEq(uint8(oracle.status(ids[i])), uint8(RequestStatus.Open));
        }
        assertEq(oracle.creditOf(address(consumer), NATIVE), 5);
    }

    function test_RevertWhen_ABatchIsPaidShort() public {
        RequestParams[] memory many = new RequestParams[](2);
        (many[0], many[1]) = (params(), params());
        uint256 cost = 2 * costOf(params());
        vm.expectRevert(abi.encodeWithSelector(IFeeVault.CreditTooLow.selector, address(consumer), NATIVE, 0, 1));
        consumer.askMany{value: cost - 1}(many);
    }

    function testFuzz_Quote_IsWhatARequestTakes(uint16 inputSize, uint8 quorum, uint32 callbackGas, uint64 gasPrice)
        public
    {
        RequestParams memory p = params();
        quorum = uint8(bound(quorum, 1, 3));
        p.policy = Policy({committeeSize: 5, quorum: quorum, challengeWindow: 0});
        p.input = new bytes(inputSize);
        p.callbackGasLimit = uint32(bound(callbackGas, 0, 2_000_000));
        p.maxGasPrice = uint64(bound(gasPrice, 0, 10_000 gwei));
        Quote memory q = oracle.quote(MODEL, p.input.length, p.policy, p.callbackGasLimit, p.maxGasPrice);
        assertEq(q.executions, uint256(PRICE) * quorum);
        assertEq(q.inputSurcharge, uint256(PRICE_PER_KIB) * quorum * ((uint256(inputSize) + 1023) / 1024));
        assertEq(q.fee, q.executions + q.inputSurcharge);
        assertEq(q.nativeTotal, q.fee + q.gasReserve);
        p.maxFee = uint96(q.fee);
        vm.deal(asker, q.nativeTotal);
        vm.prank(asker);
        consumer.askWith{value: q.nativeTotal}(p);
        assertEq(oracle.creditOf(address(consumer), NATIVE), 0);
        assertEq(address(oracle).balance, q.nativeTotal);
    }

    function test_RevertWhen_QuotingAnUnknownModel() public {
        vm.expectPartialRevert(IInferenceOracle.ModelNotActive.selector);
        oracle.quote(keccak256("no model"), 1, Policies.singleSigner(), 0, 0);
    }

    function expectQuorumRefused(uint8 committeeSize, uint8 quorum) private {
        RequestParams memory p = params();
        p.policy = Policy({committeeSize: committeeSize, quorum: quorum, challengeWindow: 0});
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.QuorumOutOfBounds.selector, quorum, committeeSize, 8));
        consumer.askWith{value: 1 ether}(p);
    }

    function expectDeadlineRefused(uint256 deadline) private {
        RequestParams memory p = params();
        p.deadline = uint40(deadline);
        vm.expectRevert(
            abi.encodeWithSelector(
                IInferenceOracle.DeadlineOutOfBounds.selector, deadline, block.timestamp, block.timestamp + 1 hours
            )
        );
        consumer.askWith{value: 1 ether}(p);
    }
}
