// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Test, Vm} from "forge-std/Test.sol";

import {RecordingConsumer} from "./RecordingConsumer.sol";
import {InferenceOracle} from "@sibyl/contracts/InferenceOracle.sol";
import {ModelRegistry} from "@sibyl/contracts/ModelRegistry.sol";
import {OperatorRegistry} from "@sibyl/contracts/OperatorRegistry.sol";
import {IInferenceOracle} from "@sibyl/contracts/interfaces/IInferenceOracle.sol";
import {Attestations} from "@sibyl/contracts/libraries/Attestations.sol";
import {Policies} from "@sibyl/contracts/libraries/Policies.sol";
import {Sortition} from "@sibyl/contracts/libraries/Sortition.sol";
import {ClassificationCodec} from "@sibyl/contracts/libraries/codecs/ClassificationCodec.sol";
import {Attestation} from "@sibyl/contracts/types/Attestation.sol";
import {
    DeterminismProfile,
    DeterminismProfileLib,
    OutputCodec,
    ProfileKind
} from "@sibyl/contracts/types/DeterminismProfile.sol";
import {InferenceSettings} from "@sibyl/contracts/types/InferenceSettings.sol";
import {OperatorParameters} from "@sibyl/contracts/types/OperatorParameters.sol";
import {OracleParameters} from "@sibyl/contracts/types/OracleParameters.sol";
import {Policy} from "@sibyl/contracts/types/Policy.sol";
import {Request} from "@sibyl/contracts/types/Request.sol";
import {RequestParams} from "@sibyl/contracts/types/RequestParams.sol";

/// @notice The whole protocol, one model, and operators whose keys the test holds.
abstract contract OracleFixture is Test {
    bytes32 internal constant MODEL = keccak256("a model");
    uint96 internal constant PRICE = 0.001 ether;
    uint96 internal constant PRICE_PER_KIB = 0.0001 ether;
    uint16 internal constant ROYALTY_BPS = 1000;
    uint16 internal constant PROTOCOL_BPS = 500;
    uint64 internal constant GAS_PRICE = 20 gwei;
    uint256 internal constant STAKE = 1 ether;
    address internal constant NATIVE = address(0);

    address internal owner = makeAddr("owner");
    address internal guardian = makeAddr("guardian");
    address internal publisher = makeAddr("publisher");
    address internal asker = makeAddr("asker");

    ModelRegistry internal models;
    OperatorRegistry internal operators;
    InferenceOracle internal oracle;
    RecordingConsumer internal consumer;

    bytes internal input = abi.encode("is this spam?");
    bytes internal output = ClassificationCodec.encode(1, 0.97e18);

    /// @dev Attester keys by operator id; index 0 is nobody.
    uint256[] internal keys;

    /// @dev What the events said, by request id.
    mapping(bytes32 requestId => Request) internal opened;

    function setUp() public virtual {
        vm.warp(1_800_000_000);
        vm.roll(1000);
        vm.txGasPrice(10 gwei);
        models = new ModelRegistry();
        operators = new OperatorRegistry(owner, models, operatorParameters());
        oracle = new InferenceOracle(owner, guardian, models, operators, oracleParameters());
        vm.prank(owner);
        operators.trustOracle(address(oracle));
        vm.prank(publisher);
        models.publish(MODEL, "https://models.example/a", 0, PRICE, PRICE_PER_KIB, ROYALTY_BPS, profile());
        keys.push(0);
        for (uint256 i = 0; i < operatorCount(); ++i) {
            join(MODEL, STAKE);
        }
        skip(operatorParameters().activationSeconds);
        consumer = new RecordingConsumer(oracle, settings());
        vm.deal(asker, 1000 ether);
    }

    /// @dev The test itself reports equivocations and withdraws.
    receive() external payable virtual {}

    // What a suite may change

    function operatorCount() internal view virtual returns (uint256) {
        return 3;
    }

    function operatorParameters() internal pure virtual returns (OperatorParameters memory) {
        return OperatorParameters({
            minStakeWei: 0.1 ether,
            maxStakeWei: 100 ether,
            activationSeconds: 60,
            unbondingSeconds: 14 days,
            reporterBps: 1000,
            missedOpeningBps: 500,
            overturnedBps: 2000,
            jailSeconds: 7 days
        });
    }

    /// @notice How the outputs of `MODEL` compare.
    function profile() internal pure virtual returns (DeterminismProfile) {
        return DeterminismProfileLib.pack(ProfileKind.Tolerance, OutputCodec.Classification, 0.001e18, 0);
    }

    function oracleParameters() internal pure virtual returns (OracleParameters memory) {
        return OracleParameters({
            roundSeconds: 10,
            overdrawBps: 15_000,
            protocolBps: PROTOCOL_BPS,
            maxLifetimeSeconds: 1 hours,
            maxCallbackGas: 2_000_000,
            maxInputBytes: 65_536
        });
    }

    function settings() internal pure virtual returns (InferenceSettings memory) {
        return InferenceSettings({
            policy: Policies.threeUnanimous(),
            callbackGasLimit: 200_000,
            lifetimeSeconds: 10 minutes,
            maxGasPrice: GAS_PRICE,
            maxFee: 1 ether
        });
    }

    // Operators

    function ownerOf(uint32 operatorId) internal returns (address) {
        return makeAddr(string.concat("operator owner ", vm.toString(operatorId)));
    }

    function attesterOf(uint32 operatorId) internal view returns (address) {
        return vm.addr(keys[operatorId]);
    }

    function consent(address operatorOwner, uint256 key) internal view returns (bytes memory) {
        bytes32 structHash = keccak256(abi.encode(operators.CONSENT_TYPEHASH(), operatorOwner, vm.addr(key)));
        bytes32 separator = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Sibyl OperatorRegistry"),
                keccak256("1"),
                block.chainid,
                address(operators)
            )
        );
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, keccak256(abi.encodePacked(hex"1901", separator, structHash)));
        return abi.encodePacked(r, s, v);
    }

    function join(bytes32 modelId, uint256 stake) internal returns (uint32 operatorId) {
        operatorId = uint32(keys.length);
        uint256 key = uint256(keccak256(abi.encode("attester key", operatorId)));
        keys.push(key);
        address operatorOwner = ownerOf(operatorId);
        vm.deal(operatorOwner, stake);
        vm.startPrank(operatorOwner);
        uint32 given =
            operators.register{value: stake}(vm.addr(key), consent(operatorOwner, key), "/ip4/127.0.0.1/tcp/1");
        assertEq(given, operatorId);
        operators.enroll(modelId);
        vm.stopPrank();
    }

    function rotate(uint32 operatorId, uint256 key) internal {
        bytes memory agreed = consent(ownerOf(operatorId), key);
        vm.prank(ownerOf(operatorId));
        operators.rotateAttester(vm.addr(key), agreed);
    }

    // Requests

    function paramsOf(Policy memory policy) internal view returns (RequestParams memory) {
        return RequestParams({
            modelId: MODEL,
            input: input,
            policy: policy,
            callbackGasLimit: 200_000,
            deadline: uint40(block.timestamp + 10 minutes),
            maxGasPrice: GAS_PRICE,
            maxFee: 1 ether
        });
    }

    function params() internal view returns (RequestParams memory) {
        return paramsOf(Policies.threeUnanimous());
    }

    function costOf(RequestParams memory p) internal view returns (uint256) {
        return oracle.quote(p.modelId, p.input.length, p.policy, p.callbackGasLimit, p.maxGasPrice).nativeTotal;
    }

    /// @notice Opens a request of `consumer` as the events tell it, and goes on to the next block.
    function open(RequestParams memory p) internal returns (Request memory) {
        return openFor(consumer, p);
    }

    function openFor(RecordingConsumer asking, RequestParams memory p) internal returns (Request memory) {
        uint256 cost = costOf(p);
        vm.recordLogs();
        vm.prank(asker);
        bytes32 id = asking.askWith{value: cost}(p);
        remember(vm.getRecordedLogs());
        nextBlock();
        return opened[id];
    }

    function remember(Vm.Log[] memory logs) internal {
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] != IInferenceOracle.RequestOpened.selector) continue;
            (Request memory request,) = abi.decode(logs[i].data, (Request, bytes));
            opened[logs[i].topics[1]] = request;
        }
    }

    function nextBlock() internal {
        // Not `block.number`: the optimizer takes that for constant within a call.
        vm.roll(vm.getBlockNumber() + 1);
        skip(1);
    }

    // Answers

    function sign(uint32 operatorId, Request memory request, bytes memory answer, uint32 viewNumber)
        internal
        view
        returns (Attestation memory)
    {
        return signWith(keys[operatorId], operatorId, request.id(), answer, viewNumber, address(oracle));
    }

    function signWith(
        uint256 key,
        uint32 operatorId,
        bytes32 requestId,
        bytes memory answer,
        uint32 viewNumber,
        address forOracle
    ) internal view returns (Attestation memory) {
        bytes32 structHash = Attestations.structHash(requestId, keccak256(answer), viewNumber);
        bytes32 digest = Attestations.digest(Attestations.domainSeparator(forOracle), structHash);
        (bytes32 r, bytes32 vs) = vm.signCompact(key, digest);
        return Attestation(operatorId, r, vs);
    }

    /// @notice Attestations of `output` in view 0 by operators 1 to the quorum.
    function attest(Request memory request) internal view returns (Attestation[] memory attestations) {
        attestations = new Attestation[](request.terms.quorum());
        for (uint32 i = 0; i < attestations.length; ++i) {
            attestations[i] = sign(i + 1, request, output, 0);
        }
    }

    /// @notice Settles with all that is right, submitted by operator 1.
    function settle(Request memory request) internal {
        Attestation[] memory attestations = attest(request);
        vm.prank(attesterOf(1));
        oracle.settle(request, output, 0, attestations);
    }

    function expire(Request memory request) internal {
        vm.warp(uint256(request.terms.deadline()) + 1);
        oracle.expire(request);
    }

    function settlementIn(Vm.Log[] memory logs) internal pure returns (uint256 signers, uint256 gasPaid) {
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] != IInferenceOracle.RequestSettled.selector) continue;
            (signers, gasPaid,) = abi.decode(logs[i].data, (uint256, uint256, bytes));
            return (signers, gasPaid);
        }
        revert("no RequestSettled among the logs");
    }

    function gasPaidIn(Vm.Log[] memory logs) internal pure returns (uint256 gasPaid) {
        (, gasPaid) = settlementIn(logs);
    }

    function isDrawn(Request memory request, uint32 operatorId, uint256 round) internal view returns (bool) {
        bytes32 seed = Sortition.seed(request.id(), blockhash(request.opening.openedBlock()));
        uint256 demandBps = Sortition.demandBps(request.terms.committeeSize(), request.opening.overdrawBps(), round);
        return Sortition.isDrawn(
            Sortition.ticket(seed, operatorId),
            operators.enrolmentOf(request.modelId, operatorId).weight(),
            request.opening.totalWeight(),
            demandBps
        );
    }
}
