// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {OracleFixture} from "./support/OracleFixture.sol";
import {InferenceOracle} from "@sibyl/contracts/InferenceOracle.sol";
import {IInferenceOracle} from "@sibyl/contracts/interfaces/IInferenceOracle.sol";
import {Policies} from "@sibyl/contracts/libraries/Policies.sol";
import {Attestation} from "@sibyl/contracts/types/Attestation.sol";
import {Request} from "@sibyl/contracts/types/Request.sol";
import {RequestParams} from "@sibyl/contracts/types/RequestParams.sol";
import {RequestStatus} from "@sibyl/contracts/types/RequestStatus.sol";

/// settle
/// ├── given the request is not open
/// │   ├── given it was never opened: it should revert
/// │   ├── given it is settled: it should revert
/// │   └── given it expired: it should revert
/// ├── given the deadline passed: it should revert
/// ├── when a word of the request was changed: it should revert
/// ├── when there are fewer or more attestations than the quorum: it should revert
/// ├── when signers repeat or decrease: it should revert
/// ├── when a signature is by another key, for another output, view, oracle, chain or request: it should revert
/// ├── when the signature's s is high: it should revert
/// └── when all is right
///     ├── it should pay signers, publisher, protocol and submitter, to the wei
///     ├── it should credit the rest of the gas reserve to the consumer
///     ├── it should call back once, with the output
///     └── it should make the output verifiable
contract SettleTest is OracleFixture {
    Request internal request;
    Attestation[] internal attestations;

    function setUp() public override {
        super.setUp();
        request = open(params());
        Attestation[] memory given = attest(request);
        for (uint256 i = 0; i < given.length; ++i) {
            attestations.push(given[i]);
        }
    }

    function test_Settle_CallsBackWithTheOutput() public {
        settle(request);
        assertEq(consumer.results(), 1);
        assertEq(consumer.lastRequestId(), request.id());
        assertEq(consumer.lastOutput(), output);
        assertEq(uint8(oracle.status(request.id())), uint8(RequestStatus.Settled));
    }

    function test_Settle_MakesTheOutputVerifiable() public {
        settle(request);
        assertTrue(oracle.verifyOutput(request.id(), output));
        assertFalse(oracle.verifyOutput(request.id(), bytes.concat(output, hex"00")));
        assertFalse(oracle.verifyOutput(keccak256("another request"), output));
    }

    function test_Settle_PaysEverybodyToTheWei() public {
        uint256 fee = request.funds.fee();
        assertEq(fee, 3 * uint256(PRICE) + 3 * uint256(PRICE_PER_KIB));
        uint256 royalty = fee * ROYALTY_BPS / 10_000;
        uint256 protocolShare = fee * PROTOCOL_BPS / 10_000;
        uint256 perSigner = (fee - royalty - protocolShare) / 3;

        vm.recordLogs();
        settle(request);
        uint256 gasPaid = gasPaidIn(vm.getRecordedLogs());

        assertEq(oracle.earningsOf(1, NATIVE), perSigner + gasPaid);
        assertEq(oracle.earningsOf(2, NATIVE), perSigner);
        assertEq(oracle.earningsOf(3, NATIVE), perSigner);
        (uint256 royalties, uint256 protocol) = oracle.sharesOf(MODEL, NATIVE);
        assertEq(royalties, royalty);
        assertEq(protocol, fee - royalty - 3 * perSigner);
        assertEq(oracle.creditOf(address(consumer), NATIVE), request.funds.gasReserve() - gasPaid);
        assertEq(
            address(oracle).balance,
            oracle.earningsOf(1, NATIVE) + 2 * perSigner + royalties + protocol
                + oracle.creditOf(address(consumer), NATIVE)
        );
    }

    function test_Settle_RepaysGasAtTheTransactionsPrice() public {
        vm.txGasPrice(7 gwei);
        vm.recordLogs();
        settle(request);
        uint256 gasPaid = gasPaidIn(vm.getRecordedLogs());
        assertEq(gasPaid % 7 gwei, 0);
        assertGt(gasPaid, 100_000 * 7 gwei);
    }

    function test_Settle_NeverRepaysAboveTheConsumersGasPrice() public {
        vm.txGasPrice(10_000 gwei);
        vm.recordLogs();
        settle(request);
        uint256 gasPaid = gasPaidIn(vm.getRecordedLogs());
        assertEq(gasPaid % GAS_PRICE, 0);
        assertLe(gasPaid, request.funds.gasReserve());
    }

    function test_Settle_RepaysNoGasToAStrangerWhoCopiesIt() public {
        vm.prank(makeAddr("copier"));
        oracle.settle(request, output, 0, attestations);
        assertEq(oracle.creditOf(address(consumer), NATIVE), request.funds.gasReserve());
        assertEq(oracle.earningsOf(1, NATIVE), oracle.earningsOf(2, NATIVE));
    }

    function test_Settle_LogsTheSigners() public {
        vm.recordLogs();
        settle(request);
        (uint256 signers,) = settlementIn(vm.getRecordedLogs());
        assertEq(signers, uint256(1) << 224 | uint256(2) << 192 | uint256(3) << 160);
    }

    function test_Settle_LetsAnySignerBeTheSubmitter() public {
        vm.prank(attesterOf(3));
        oracle.settle(request, output, 0, attestations);
        assertGt(oracle.earningsOf(3, NATIVE), oracle.earningsOf(1, NATIVE));
    }

    function test_Settle_TakesTheDeadlineItself() public {
        vm.warp(request.terms.deadline());
        settle(request);
        assertEq(consumer.results(), 1);
    }

    function test_RevertGiven_NeverOpened() public {
        request.inputHash = keccak256("never asked");
        vm.expectRevert(
            abi.encodeWithSelector(IInferenceOracle.RequestNotOpen.selector, request.id(), RequestStatus.None)
        );
        oracle.settle(request, output, 0, attestations);
    }

    function test_RevertGiven_AlreadySettled() public {
        settle(request);
        vm.expectRevert(
            abi.encodeWithSelector(IInferenceOracle.RequestNotOpen.selector, request.id(), RequestStatus.Settled)
        );
        oracle.settle(request, output, 0, attestations);
    }

    function test_RevertGiven_Expired() public {
        expire(request);
        vm.expectRevert(
            abi.encodeWithSelector(IInferenceOracle.RequestNotOpen.selector, request.id(), RequestStatus.None)
        );
        oracle.settle(request, output, 0, attestations);
    }

    function test_RevertGiven_TheDeadlinePassed() public {
        uint256 deadline = request.terms.deadline();
        vm.warp(deadline + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IInferenceOracle.DeadlinePassed.selector, request.id(), deadline, deadline + 1)
        );
        oracle.settle(request, output, 0, attestations);
    }

    function test_RevertGiven_ItsBlockIsNotOver() public {
        uint256 cost = costOf(params());
        vm.recordLogs();
        vm.prank(asker);
        bytes32 id = consumer.askWith{value: cost}(params());
        remember(vm.getRecordedLogs());
        Attestation[] memory early = attest(opened[id]);
        vm.expectRevert(abi.encodeWithSignature("BlockHashUnavailable(uint256,uint256)", block.number, block.number));
        oracle.settle(opened[id], output, 0, early);
    }

    function testFuzz_RevertWhen_AWordOfTheRequestIsChanged(uint8 word, uint256 flip) public {
        vm.assume(flip != 0);
        uint256[5] memory words = abi.decode(abi.encode(request), (uint256[5]));
        words[word % 5] ^= flip;
        Request memory changed = abi.decode(abi.encode(words), (Request));
        vm.expectRevert(
            abi.encodeWithSelector(IInferenceOracle.RequestNotOpen.selector, changed.id(), RequestStatus.None)
        );
        oracle.settle(changed, output, 0, attestations);
    }

    function test_RevertWhen_AnAttestationIsMissing() public {
        attestations.pop();
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.QuorumNotMet.selector, 2, 3));
        oracle.settle(request, output, 0, attestations);
    }

    function test_RevertWhen_AnAttestationIsTooMany() public {
        attestations.push(attestations[2]);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.QuorumNotMet.selector, 4, 3));
        oracle.settle(request, output, 0, attestations);
    }

    function test_RevertWhen_ASignerRepeats() public {
        attestations[1] = attestations[0];
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.SignersNotIncreasing.selector, 1, 1));
        oracle.settle(request, output, 0, attestations);
    }

    function test_RevertWhen_SignersDecrease() public {
        Attestation[] memory swapped = attest(request);
        (swapped[0], swapped[1]) = (swapped[1], swapped[0]);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.SignersNotIncreasing.selector, 2, 1));
        oracle.settle(request, output, 0, swapped);
    }

    function test_RevertWhen_TheOperatorIdIsZero() public {
        attestations[0].operatorId = 0;
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.SignersNotIncreasing.selector, 0, 0));
        oracle.settle(request, output, 0, attestations);
    }

    function test_RevertWhen_AnotherKeySigned() public {
        uint256 stranger = uint256(keccak256("a stranger's key"));
        attestations[1] = signWith(stranger, 2, request.id(), output, 0, address(oracle));
        expectWrongSignature(2, vm.addr(stranger));
        oracle.settle(request, output, 0, attestations);
    }

    function test_RevertWhen_AnOperatorSignsForAnother() public {
        attestations[1] = signWith(keys[1], 2, request.id(), output, 0, address(oracle));
        expectWrongSignature(2, attesterOf(1));
        oracle.settle(request, output, 0, attestations);
    }

    function test_RevertWhen_ASignatureIsForAnotherOutput() public {
        attestations[2] = sign(3, request, "another output", 0);
        expectAnyWrongSignature();
        oracle.settle(request, output, 0, attestations);
    }

    function test_RevertWhen_ASignatureIsForAnotherView() public {
        attestations[2] = sign(3, request, output, 1);
        expectAnyWrongSignature();
        oracle.settle(request, output, 0, attestations);
    }

    function test_RevertWhen_ASignatureIsForAnotherRequest() public {
        Request memory other = open(params());
        attestations[2] = sign(3, other, output, 0);
        expectAnyWrongSignature();
        oracle.settle(request, output, 0, attestations);
    }

    function test_RevertWhen_ASignatureIsForAnotherOracle() public {
        InferenceOracle other = new InferenceOracle(owner, guardian, models, operators, oracleParameters());
        attestations[2] = signWith(keys[3], 3, request.id(), output, 0, address(other));
        expectAnyWrongSignature();
        oracle.settle(request, output, 0, attestations);
    }

    function test_RevertWhen_ASignatureIsForAnotherChain() public {
        vm.chainId(1);
        Attestation[] memory elsewhere = attest(request);
        vm.chainId(31337);
        expectAnyWrongSignature();
        oracle.settle(request, output, 0, elsewhere);
    }

    function test_RevertGiven_TheChainForked() public {
        vm.chainId(99);
        expectAnyWrongSignature();
        oracle.settle(request, output, 0, attestations);
    }

    function test_RevertWhen_TheSignatureIsMalleated() public {
        uint256 order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
        uint256 vs = uint256(attestations[2].vs);
        uint256 s = order - (vs & type(uint256).max >> 1);
        // A high s has no compact form of its own: with the parity on top its highest bit is lost.
        attestations[2].vs = bytes32(s | (vs >> 255 == 0 ? uint256(1) << 255 : 0));
        expectAnyWrongSignature();
        oracle.settle(request, output, 0, attestations);
    }

    function test_RevertWhen_TheSignatureIsEmpty() public {
        attestations[2] = Attestation(3, 0, 0);
        expectWrongSignature(3, address(0));
        oracle.settle(request, output, 0, attestations);
    }

    function test_RevertWhen_TheSignerIsNotEnrolled() public {
        attestations[2].operatorId = 9;
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.SignerNotEnrolled.selector, MODEL, 9));
        oracle.settle(request, output, 0, attestations);
    }

    function test_RevertWhen_TheSignerEnrolledLater() public {
        uint32 late = join(MODEL, STAKE);
        skip(60);
        attestations[2] = sign(late, request, output, 0);
        vm.expectRevert(
            abi.encodeWithSelector(
                IInferenceOracle.SeatNotActive.selector,
                late,
                operators.enrolmentOf(MODEL, late).activeFrom(),
                request.opening.openedAt()
            )
        );
        oracle.settle(request, output, 0, attestations);
    }

    function test_RevertWhen_TheSignerRotatedItsKeySince() public {
        uint256 key = uint256(keccak256("a new key"));
        vm.startPrank(ownerOf(3));
        operators.rotateAttester(vm.addr(key), consent(ownerOf(3), key));
        vm.stopPrank();
        vm.expectPartialRevert(IInferenceOracle.SeatNotActive.selector);
        oracle.settle(request, output, 0, attestations);
    }

    function test_Settle_OneOfOne() public {
        Request memory single = open(paramsOf(Policies.singleSigner()));
        uint32 drawn;
        for (uint32 id = 1; id <= 3; ++id) {
            if (isDrawn(single, id, 0)) drawn = id;
        }
        if (drawn == 0) {
            skip(20);
            drawn = 1;
        }
        Attestation[] memory one = new Attestation[](1);
        one[0] = sign(drawn, single, output, 0);
        oracle.settle(single, output, 0, one);
        assertEq(consumer.lastRequestId(), single.id());
    }

    function testFuzz_Settle_SplitsAnyFeeToTheWei(uint96 price, uint16 royaltyBps) public {
        price = uint96(bound(price, 0, type(uint96).max / 3));
        royaltyBps = uint16(bound(royaltyBps, 0, models.MAX_ROYALTY_BPS()));
        vm.prank(publisher);
        models.setPrice(MODEL, 0, price, 0, royaltyBps);
        vm.deal(asker, type(uint128).max);
        uint256 before = address(oracle).balance;
        RequestParams memory p = params();
        p.maxFee = type(uint96).max;
        Request memory dear = open(p);

        settle(dear);

        uint256 owed = oracle.creditOf(address(consumer), NATIVE);
        for (uint32 id = 1; id <= 3; ++id) {
            owed += oracle.earningsOf(id, NATIVE);
        }
        (uint256 royalties, uint256 protocol) = oracle.sharesOf(MODEL, NATIVE);
        assertEq(royalties, 3 * uint256(price) * royaltyBps / 10_000);
        assertEq(owed + royalties + protocol, address(oracle).balance - before);
    }

    function expectWrongSignature(uint32 operatorId, address recovered) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IInferenceOracle.WrongSignature.selector, operatorId, attesterOf(operatorId), recovered
            )
        );
    }

    /// @dev For signatures of something else, which recover to an address that nobody knows.
    function expectAnyWrongSignature() private {
        vm.expectPartialRevert(IInferenceOracle.WrongSignature.selector);
    }
}
