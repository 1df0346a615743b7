// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Vm} from "forge-std/Vm.sol";

import {HostileConsumer} from "../support/HostileConsumer.sol";
import {ProtocolWorld} from "./ProtocolWorld.sol";
import {IInferenceOracle} from "@sibyl/contracts/interfaces/IInferenceOracle.sol";
import {IProposals} from "@sibyl/contracts/interfaces/IProposals.sol";
import {Attestation} from "@sibyl/contracts/types/Attestation.sol";
import {Policy} from "@sibyl/contracts/types/Policy.sol";
import {Proposal} from "@sibyl/contracts/types/Proposal.sol";
import {Request} from "@sibyl/contracts/types/Request.sol";
import {RequestParams} from "@sibyl/contracts/types/RequestParams.sol";
import {Settlement} from "@sibyl/contracts/types/Settlement.sol";

/// @notice Requests and their answers, right and wrong. What an action needs and does not find it makes.
abstract contract RequestActions is ProtocolWorld {
    function request(uint256 seed, uint64 gasPrice, uint256 attached) external {
        ++calls;
        _request(seed, gasPrice, attached, seed & 1 == 0);
    }

    function settle(uint256 seed, uint64 gasPrice, bool strangerSubmits) external {
        ++calls;
        _settleAt(_anOpen(seed, false), seed, gasPrice, strangerSubmits);
    }

    function settleBatch(uint256 seed, uint64 gasPrice) external {
        ++calls;
        // One that settles, one that proposes, the first once more, and one without attestations.
        uint256[2] memory indices = [_anOpen(seed, false), _anOpen(seed, true)];
        Settlement[] memory items = new Settlement[](4);
        for (uint256 i = 0; i < 2; ++i) {
            Request memory open = _tracked[indices[i]].request;
            bytes memory output = abi.encode(seed, i);
            items[i] = Settlement(open, output, 0, _quorum(open, output));
        }
        // Time may have passed while the second one's quorum was drawn.
        if (vm.getBlockTimestamp() > items[0].request.terms.deadline()) return;
        items[2] = items[0];
        items[3] = Settlement(items[0].request, "", 0, new Attestation[](0));
        _moodOf(seed >> 8);
        vm.txGasPrice(bound(gasPrice, 0, 2000 gwei));
        vm.recordLogs();
        vm.prank(_submitter(items[0].attestations, seed & 1 == 0));
        bytes4[] memory results = oracle.settleBatch(items);
        if (results[0] != 0 || results[1] != 0) revert ANonsenseWasTaken("a good item of a batch was refused");
        if (results[2] == 0 || results[3] == 0) revert ANonsenseWasTaken("a bad item of a batch was not");
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < 2; ++i) {
            _answered(indices[i], items[i].output, items[i].attestations, logs);
        }
        ++count["batches"];
    }

    /// @dev Too few, forged, twice the same, or not drawn: none of it may settle.
    function settleWrongly(uint256 seed) external {
        ++calls;
        uint256 index = _anOpen(seed, seed & 512 == 0);
        Request memory open = _tracked[index].request;
        bytes memory output = abi.encode(seed);
        Attestation[] memory attestations = _quorum(open, output);
        uint256 kind = (seed >> 16) % 4;
        if (kind == 0) attestations = _firstOf(attestations, attestations.length - 1);
        if (kind == 1) attestations[seed % attestations.length].vs ^= bytes32(uint256(1) << (seed >> 32) % 256);
        if (kind == 2) attestations[attestations.length - 1] = _sign(1, keccak256("another request"), output);
        if (kind == 3) output = abi.encode("what nobody signed");
        try oracle.settle(open, output, 0, attestations) {
            revert ANonsenseWasTaken("a wrong quorum settled");
        } catch {
            ++count["wrong quorums refused"];
        }
        _settleUndrawn(open, index, seed);
    }

    function expire(uint256 seed) external {
        ++calls;
        uint256 index = _anOpen(seed, seed & 512 == 0);
        uint256 deadline = _tracked[index].request.terms.deadline();
        if (vm.getBlockTimestamp() <= deadline) vm.warp(deadline + 1);
        _moodOf(seed >> 8);
        _expireAt(index);
    }

    function redeliver(uint256 seed) external {
        ++calls;
        if (_at[Stage.CallbackFailed].length == 0) {
            uint256 open = _anOpen(0, false);
            consumers[0].behave(HostileConsumer.Mood.Revert);
            consumers[1].behave(HostileConsumer.Mood.Revert);
            _answer(open, abi.encode(seed), 1 gwei, false);
        }
        uint256[] storage failed = _at[Stage.CallbackFailed];
        uint256 index = failed[seed % failed.length];
        consumers[0].behave(HostileConsumer.Mood.Calm);
        consumers[1].behave(HostileConsumer.Mood.Calm);
        oracle.redeliver(_tracked[index].request, _tracked[index].output);
        _move(index, Stage.Over);
        ++count["redeliveries"];
        try oracle.redeliver(_tracked[index].request, _tracked[index].output) {
            revert ANonsenseWasTaken("a second redelivery");
        } catch {}
    }

    function passTime(uint256 seconds_) external {
        ++calls;
        vm.roll(vm.getBlockNumber() + 1);
        skip(seconds_ % 16 == 0 ? bound(seconds_, 1, 700) : bound(seconds_, 1, 12));
    }

    // What others build on

    function _settleAt(uint256 index, uint256 seed, uint64 gasPrice, bool strangerSubmits) internal {
        _moodOf(seed >> 8);
        consumers[1].behave(HostileConsumer.Mood.Calm);
        _answer(index, abi.encode(seed), gasPrice, strangerSubmits);
    }

    /// @dev Has a quorum answer an open request, and makes sure that it can not be done twice.
    function _answer(uint256 index, bytes memory output, uint64 gasPrice, bool strangerSubmits) internal {
        Request memory open = _tracked[index].request;
        Attestation[] memory attestations = _quorum(open, output);
        vm.txGasPrice(bound(gasPrice, 0, 2000 gwei));
        vm.recordLogs();
        vm.prank(_submitter(attestations, strangerSubmits));
        oracle.settle(open, output, 0, attestations);
        _answered(index, output, attestations, vm.getRecordedLogs());
        try oracle.settle(open, output, 0, attestations) {
            revert ANonsenseWasTaken("a second settlement");
        } catch {}
    }

    /// @dev An open request that can still be answered, with a window or without; those that cannot expire on the way.
    function _anOpen(uint256 seed, bool windowed) internal returns (uint256 index) {
        uint256[] storage open = _at[Stage.Open];
        uint256 i = open.length == 0 ? 0 : seed % open.length;
        for (uint256 left = open.length; left > 0 && open.length > 0; --left) {
            index = open[i % open.length];
            Request memory found = _tracked[index].request;
            // A minute is what the draw may take until it reaches everybody.
            bool late = vm.getBlockTimestamp() + 120 > found.terms.deadline();
            bool forgotten = vm.getBlockNumber() > uint256(found.opening.openedBlock()) + 200;
            if (late || forgotten || !_quorumIsLeft(found)) {
                if (vm.getBlockTimestamp() <= found.terms.deadline()) vm.warp(uint256(found.terms.deadline()) + 1);
                _expireAt(index);
            } else if (windowed == (found.opening.challengeWindow() != 0)) {
                return index;
            } else {
                ++i;
            }
        }
        return _request(seed, 10 gwei, 0, windowed);
    }

    function _request(uint256 seed, uint64 gasPrice, uint256 attached, bool windowed) internal returns (uint256) {
        _seatEverybody();
        HostileConsumer consumer = consumers[(seed >> 1) % 2];
        RequestParams memory p = RequestParams({
            modelId: modelIds[(seed >> 8) % 2],
            input: abi.encode(seed),
            policy: Policy({
                committeeSize: 3,
                quorum: uint8((seed >> 16) % 3 + 1),
                challengeWindow: windowed ? uint32((seed >> 24) % 1800 + 60) : 0
            }),
            callbackGasLimit: uint32((seed >> 32) % 400_000),
            deadline: uint40(vm.getBlockTimestamp() + 200 + (seed >> 4) % 600),
            maxGasPrice: uint64(bound(gasPrice, 0, 1000 gwei)),
            maxFee: type(uint96).max
        });
        uint256 cost = oracle.quote(p.modelId, 32, p.policy, p.callbackGasLimit, p.maxGasPrice).nativeTotal;
        uint256 credit = oracle.creditOf(address(consumer), NATIVE);
        attached = bound(attached, cost > credit ? cost - credit : 0, cost + 1 ether);
        vm.deal(address(this), attached);
        vm.recordLogs();
        consumer.askWith{value: attached}(p);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] != IInferenceOracle.RequestOpened.selector) continue;
            (Request memory opened,) = abi.decode(logs[i].data, (Request, bytes));
            _track(opened);
        }
        ++count["requests"];
        vm.roll(vm.getBlockNumber() + 1);
        return _tracked.length - 1;
    }

    /// @dev Lets rounds pass until a quorum is drawn, and has the first of it sign.
    function _quorum(Request memory open, bytes memory output) internal returns (Attestation[] memory attestations) {
        uint256 wanted = open.terms.quorum();
        for (uint256 round = 0; round < 12; ++round) {
            attestations = new Attestation[](wanted);
            uint256 found;
            for (uint32 id = 1; id <= operatorCount() && found < wanted; ++id) {
                if (!_maySign(open, open.id(), open.opening.openedBlock(), open.opening.openedAt(), id)) continue;
                attestations[found++] = _sign(id, open.id(), output);
            }
            if (found == wanted) return attestations;
            skip(open.opening.roundSeconds());
        }
        revert ANonsenseWasTaken("no quorum was drawn in twelve rounds");
    }

    function _quorumIsLeft(Request memory open) private view returns (bool) {
        uint256 left;
        for (uint32 id = 1; id <= operatorCount(); ++id) {
            uint256 activeFrom = operators.enrolmentOf(open.modelId, id).activeFrom();
            if (activeFrom != 0 && activeFrom <= open.opening.openedAt()) ++left;
        }
        return left >= open.terms.quorum();
    }

    /// @dev One that is not drawn yet signs in place of the last.
    function _settleUndrawn(Request memory open, uint256 index, uint256 seed) private {
        bytes memory output = abi.encode(seed);
        for (uint32 id = uint32(operatorCount()); id > 0; --id) {
            if (operators.enrolmentOf(open.modelId, id).activeFrom() > open.opening.openedAt()) continue;
            if (_maySign(open, _tracked[index].id, open.opening.openedBlock(), open.opening.openedAt(), id)) continue;
            Attestation[] memory attestations = _quorum(open, output);
            if (attestations[attestations.length - 1].operatorId > id) return;
            attestations[attestations.length - 1] = _sign(id, open.id(), output);
            if (_maySign(open, open.id(), open.opening.openedBlock(), open.opening.openedAt(), id)) return;
            try oracle.settle(open, output, 0, attestations) {
                revert ANonsenseWasTaken("somebody who was not drawn settled");
            } catch {
                ++count["undrawn refused"];
            }
            return;
        }
    }

    function _expireAt(uint256 index) internal {
        Request memory open = _tracked[index].request;
        oracle.expire(open);
        ++timesRefunded[open.id()];
        ++count["expiries"];
        _release(open);
        _move(index, Stage.Over);
        try oracle.expire(open) {
            revert ANonsenseWasTaken("a second refund");
        } catch {}
    }

    /// @dev Notes down what became of a request that a quorum answered.
    function _answered(uint256 index, bytes memory output, Attestation[] memory attestations, Vm.Log[] memory logs)
        private
    {
        Tracked storage item = _tracked[index];
        item.output = output;
        for (uint256 i = 0; i < attestations.length; ++i) {
            _noteObligation(item.request, attestations[i].operatorId);
        }
        if (item.request.opening.challengeWindow() == 0) return _settled(index, logs);
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] != IProposals.OutputProposed.selector || logs[i].topics[1] != item.id) continue;
            (item.proposal,) = abi.decode(logs[i].data, (Proposal, bytes));
        }
        _move(index, Stage.Proposed);
        ++count["proposals"];
    }

    /// @dev Notes down that a request is settled, by the logs of the call that did it.
    function _settled(uint256 index, Vm.Log[] memory logs) internal {
        Tracked storage item = _tracked[index];
        bool failed;
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics.length < 2 || logs[i].topics[1] != item.id) continue;
            if (logs[i].topics[0] == IInferenceOracle.RequestSettled.selector) ++timesSettled[item.id];
            if (logs[i].topics[0] == IInferenceOracle.CallbackFailed.selector) failed = true;
        }
        _release(item.request);
        _move(index, failed ? Stage.CallbackFailed : Stage.Over);
        ++count["settlements"];
    }

    function _firstOf(Attestation[] memory all, uint256 length) private pure returns (Attestation[] memory some) {
        some = new Attestation[](length);
        for (uint256 i = 0; i < length; ++i) {
            some[i] = all[i];
        }
    }

    /// @dev Makes sure that every operator has a seat that a new request counts.
    function _seatEverybody() internal virtual;
}
