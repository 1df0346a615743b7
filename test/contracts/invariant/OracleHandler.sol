// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {CommonBase} from "forge-std/Base.sol";
import {StdCheats} from "forge-std/StdCheats.sol";
import {StdUtils} from "forge-std/StdUtils.sol";
import {Vm} from "forge-std/Vm.sol";

import {HostileConsumer} from "../support/HostileConsumer.sol";
import {PlainToken} from "../support/TestTokens.sol";
import {InferenceOracle} from "@sibyl/contracts/InferenceOracle.sol";
import {ModelRegistry} from "@sibyl/contracts/ModelRegistry.sol";
import {OperatorRegistry} from "@sibyl/contracts/OperatorRegistry.sol";
import {IInferenceOracle} from "@sibyl/contracts/interfaces/IInferenceOracle.sol";
import {Attestations} from "@sibyl/contracts/libraries/Attestations.sol";
import {Sortition} from "@sibyl/contracts/libraries/Sortition.sol";
import {Attestation} from "@sibyl/contracts/types/Attestation.sol";
import {Enrolment} from "@sibyl/contracts/types/Enrolment.sol";
import {Policy} from "@sibyl/contracts/types/Policy.sol";
import {Request} from "@sibyl/contracts/types/Request.sol";
import {RequestParams} from "@sibyl/contracts/types/RequestParams.sol";

/// @notice What the invariant suite does to the protocol, and what it remembers of it.
contract OracleHandler is CommonBase, StdCheats, StdUtils {
    address internal constant NATIVE = address(0);

    InferenceOracle public immutable oracle;
    OperatorRegistry public immutable operators;
    ModelRegistry public immutable models;
    PlainToken public immutable token;
    address public immutable protocolOwner;
    address public immutable publisher;

    HostileConsumer[2] public consumers;
    bytes32[2] public modelIds;
    uint256[] public keys;
    address[] public owners;

    Request[] private _open;
    bytes[] private _answered;
    Request[] private _failed;
    bytes[] private _failedOutputs;

    mapping(bytes32 requestId => uint256) public timesSettled;
    mapping(bytes32 requestId => uint256) public timesRefunded;
    bytes32[] public ids;
    uint256 public settlements;
    uint256 public expiries;
    uint256 public redeliveries;
    uint256 public refused;

    constructor(
        InferenceOracle oracle_,
        PlainToken token_,
        address publisher_,
        bytes32[2] memory modelIds_,
        HostileConsumer[2] memory consumers_,
        uint256[] memory keys_,
        address[] memory owners_
    ) {
        oracle = oracle_;
        operators = OperatorRegistry(address(oracle_.operators()));
        models = ModelRegistry(address(oracle_.models()));
        token = token_;
        protocolOwner = oracle_.owner();
        publisher = publisher_;
        modelIds = modelIds_;
        consumers = consumers_;
        keys = keys_;
        owners = owners_;
    }

    // What the world does

    function request(uint256 seed, uint64 gasPrice, uint256 attached) external {
        HostileConsumer consumer = consumers[seed % 2];
        bytes32 modelId = modelIds[(seed >> 8) % 2];
        uint8 quorum = uint8((seed >> 16) % 3 + 1);
        RequestParams memory p = RequestParams({
            modelId: modelId,
            input: abi.encode(seed),
            policy: Policy({committeeSize: 3, quorum: quorum, challengeWindow: 0}),
            callbackGasLimit: uint32((seed >> 32) % 400_000),
            deadline: uint40(block.timestamp + 60 + (seed >> 4) % 600),
            maxGasPrice: uint64(bound(gasPrice, 0, 1000 gwei)),
            maxFee: type(uint96).max
        });
        uint256 cost = oracle.quote(modelId, 32, p.policy, p.callbackGasLimit, p.maxGasPrice).nativeTotal;
        uint256 credit = oracle.creditOf(address(consumer), NATIVE);
        attached = bound(attached, cost > credit ? cost - credit : 0, cost + 1 ether);
        vm.deal(address(this), attached);
        vm.recordLogs();
        consumer.askWith{value: attached}(p);
        _remember(vm.getRecordedLogs());
    }

    function settle(uint256 seed, uint64 gasPrice, bool strangerSubmits) external {
        if (_open.length == 0) return;
        uint256 index = seed % _open.length;
        Request memory open = _open[index];
        if (vm.getBlockTimestamp() > open.terms.deadline()) return;
        // Older block hashes need the history contract, which this suite leaves out.
        if (vm.getBlockNumber() - open.opening.openedBlock() > 250) return;
        vm.roll(vm.getBlockNumber() + 1);
        consumers[0].behave(HostileConsumer.Mood((seed >> 8) % 4));
        bytes memory output = abi.encode(seed);
        Attestation[] memory attestations = _attest(open, output, open.terms.quorum());
        if (attestations.length == 0) return;
        vm.txGasPrice(bound(gasPrice, 0, 2000 gwei));
        vm.recordLogs();
        vm.prank(strangerSubmits ? address(0xbad) : vm.addr(keys[attestations[0].operatorId]));
        oracle.settle(open, output, 0, attestations);
        ++timesSettled[open.id()];
        ++settlements;
        _forget(index);
        _rememberFailure(open, output, vm.getRecordedLogs());
        // At once again: never.
        try oracle.settle(open, output, 0, attestations) {
            ++timesSettled[open.id()];
        } catch {
            ++refused;
        }
    }

    /// @dev One signature too few, or one that signs something else.
    function settleWrongly(uint256 seed) external {
        if (_open.length == 0) return;
        Request memory open = _open[seed % _open.length];
        bytes memory output = abi.encode(seed);
        uint256 quorum = open.terms.quorum();
        Attestation[] memory attestations = _attest(open, output, seed & 256 == 0 ? quorum - 1 : quorum);
        if (attestations.length == quorum) attestations[seed % quorum].vs ^= bytes32(uint256(1));
        try oracle.settle(open, output, 0, attestations) {
            ++timesSettled[open.id()];
            revert("a wrong quorum settled");
        } catch {
            ++refused;
        }
    }

    function expire(uint256 seed) external {
        if (_open.length == 0) return;
        uint256 index = seed % _open.length;
        Request memory open = _open[index];
        if (block.timestamp <= open.terms.deadline()) return;
        consumers[0].behave(HostileConsumer.Mood((seed >> 8) % 4));
        oracle.expire(open);
        ++timesRefunded[open.id()];
        ++expiries;
        _forget(index);
        try oracle.expire(open) {
            ++timesRefunded[open.id()];
        } catch {
            ++refused;
        }
    }

    function redeliver(uint256 seed) external {
        if (_failed.length == 0) return;
        uint256 index = seed % _failed.length;
        consumers[0].behave(HostileConsumer.Mood.Calm);
        oracle.redeliver(_failed[index], _failedOutputs[index]);
        ++redeliveries;
        _failed[index] = _failed[_failed.length - 1];
        _failedOutputs[index] = _failedOutputs[_failedOutputs.length - 1];
        _failed.pop();
        _failedOutputs.pop();
    }

    function passTime(uint256 seconds_) external {
        vm.roll(vm.getBlockNumber() + 1);
        skip(seconds_ % 8 == 0 ? bound(seconds_, 1, 700) : bound(seconds_, 1, 12));
    }

    function deposit(uint256 seed, uint96 amount) external {
        address account = address(consumers[seed % 2]);
        vm.deal(address(this), amount);
        oracle.deposit{value: amount}(account);
        token.mint(address(this), amount);
        token.approve(address(oracle), amount);
        oracle.depositToken(address(token), account, amount);
    }

    function withdrawCredit(uint256 seed, uint256 amount) external {
        address account = address(consumers[seed % 2]);
        address asset = seed & 2 == 0 ? NATIVE : address(token);
        amount = bound(amount, 0, oracle.creditOf(account, asset));
        vm.prank(account);
        oracle.withdrawCredit(asset, address(0xcafe), amount);
    }

    function withdrawShares(uint256 seed) external {
        address asset = seed & 1 == 0 ? NATIVE : address(token);
        uint32 operatorId = uint32((seed >> 8) % 3 + 1);
        vm.prank(owners[operatorId]);
        oracle.withdrawEarnings(operatorId, asset, address(0xcafe));
        bytes32 modelId = modelIds[(seed >> 16) % 2];
        vm.prank(publisher);
        oracle.withdrawRoyalties(modelId, asset, address(0xcafe));
        vm.prank(protocolOwner);
        oracle.withdrawProtocolShare(modelId, asset, address(0xcafe));
    }

    function setPrice(uint256 seed, uint96 price, uint96 pricePerKiB, uint16 royaltyBps) external {
        uint256 which = seed % 2;
        vm.prank(publisher);
        models.setPrice(
            modelIds[which],
            uint8(which),
            uint96(bound(price, 0, 1e24)),
            uint96(bound(pricePerKiB, 0, 1e24)),
            uint16(bound(royaltyBps, 0, 5000))
        );
    }

    /// @dev Rarely, because no open request counts the operator afterwards.
    function moveStake(uint256 seed, uint256 amount) external {
        if (seed % 5 != 0) return;
        seed /= 5;
        uint32 operatorId = uint32(seed % 3 + 1);
        amount = bound(amount, 1, 3 ether);
        vm.deal(owners[operatorId], owners[operatorId].balance + amount);
        vm.startPrank(owners[operatorId]);
        operators.addStake{value: amount}(operatorId);
        uint256 leaving = amount / 2;
        if (leaving != 0) operators.beginUnbonding(leaving);
        (uint256 unbonding,) = operators.unbondingOf(operatorId);
        if (seed & 64 != 0 && unbonding != 0) {
            skip(15 days);
            operators.withdrawUnbonded(address(0xcafe));
        }
        vm.stopPrank();
    }

    // What it remembers

    function openCount() external view returns (uint256) {
        return _open.length;
    }

    function idCount() external view returns (uint256) {
        return ids.length;
    }

    /// @notice What open requests escrow, by their own words.
    function escrow(address asset) external view returns (uint256 sum) {
        for (uint256 i = 0; i < _open.length; ++i) {
            bool native = _open[i].opening.tokenIndex() == 0;
            if (asset == NATIVE) sum += _open[i].funds.gasReserve();
            if (native == (asset == NATIVE)) sum += _open[i].funds.fee();
        }
    }

    function _remember(Vm.Log[] memory logs) private {
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] != IInferenceOracle.RequestOpened.selector) continue;
            (Request memory opened,) = abi.decode(logs[i].data, (Request, bytes));
            _open.push(opened);
            ids.push(opened.id());
        }
    }

    function _rememberFailure(Request memory request_, bytes memory output, Vm.Log[] memory logs) private {
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] != IInferenceOracle.CallbackFailed.selector) continue;
            _failed.push(request_);
            _failedOutputs.push(output);
        }
    }

    function _forget(uint256 index) private {
        _open[index] = _open[_open.length - 1];
        _open.pop();
    }

    function _maySign(Request memory request_, uint32 operatorId) private view returns (bool) {
        Enrolment seat = operators.enrolmentOf(request_.modelId, operatorId);
        if (seat.activeFrom() > request_.opening.openedAt()) return false;
        uint256 round = (vm.getBlockTimestamp() - request_.opening.openedAt()) / request_.opening.roundSeconds();
        return Sortition.isDrawn(
            Sortition.ticket(Sortition.seed(request_.id(), blockhash(request_.opening.openedBlock())), operatorId),
            seat.weight(),
            request_.opening.totalWeight(),
            Sortition.demandBps(request_.terms.committeeSize(), request_.opening.overdrawBps(), round)
        );
    }

    /// @dev Attestations by the first operators that may sign; empty if there are too few.
    function _attest(Request memory request_, bytes memory output, uint256 wanted)
        private
        view
        returns (Attestation[] memory attestations)
    {
        bytes32 structHash = Attestations.structHash(request_.id(), keccak256(output), 0);
        bytes32 digest = Attestations.digest(Attestations.domainSeparator(address(oracle)), structHash);
        attestations = new Attestation[](wanted);
        uint256 found;
        for (uint32 id = 1; id <= 3 && found < wanted; ++id) {
            if (!_maySign(request_, id)) continue;
            (bytes32 r, bytes32 vs) = vm.signCompact(keys[id], digest);
            attestations[found++] = Attestation(id, r, vs);
        }
        if (found < wanted) return new Attestation[](0);
    }
}
