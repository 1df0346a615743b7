// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Vm} from "forge-std/Vm.sol";

import {RequestActions} from "./RequestActions.sol";
import {IJuryArbiter} from "@sibyl/contracts/interfaces/IJuryArbiter.sol";
import {Signers} from "@sibyl/contracts/libraries/Signers.sol";
import {Attestation} from "@sibyl/contracts/types/Attestation.sol";
import {Dispute} from "@sibyl/contracts/types/Dispute.sol";

/// @notice Proposals: finalized, challenged, and judged either way or not at all.
abstract contract ChallengeActions is RequestActions {
    function finalize(uint256 seed, bool strangerSubmits) external {
        ++calls;
        uint256 index = _aProposed(seed);
        Tracked storage item = _tracked[index];
        uint256 endsAt = _windowEnd(item);
        if (vm.getBlockTimestamp() <= endsAt) {
            try oracle.finalize(item.request, item.proposal, item.output) {
                revert ANonsenseWasTaken("a proposal was final before its window was over");
            } catch {}
            vm.warp(endsAt + 1);
        }
        _finalizeAt(index, seed, strangerSubmits);
    }

    function challenge(uint256 seed) external {
        ++calls;
        _challengeAt(_aChallengeable(seed));
    }

    function resolve(uint256 seed, uint64 gasPrice) external {
        ++calls;
        uint256 index = _aChallenged(seed);
        Tracked storage item = _tracked[index];
        bytes32 disputeId = item.dispute.id(address(arbiter), item.id);
        // In turn, so that both happen in every run that is long enough.
        bool stands = count["overturned"] > count["upheld"];
        bytes memory output = stands ? item.output : abi.encode("what the jury found", seed);
        Attestation[] memory jury = _jury(item, disputeId, output);
        if (jury.length == 0) {
            // Too many left their seats since the request; for a new one everybody is back.
            _lapseAt(index);
            return _judgeNew(seed);
        }
        _judge(index, seed, gasPrice, output, jury);
    }

    function lapse(uint256 seed) external {
        ++calls;
        _lapseAt(_aChallenged(seed));
    }

    // What they need

    function _judgeNew(uint256 seed) private {
        uint256 index = _request(seed, 10 gwei, 0, true);
        _settleAt(index, seed, 10 gwei, false);
        _challengeAt(index);
        Tracked storage item = _tracked[index];
        bytes memory output = abi.encode("what the jury found", seed);
        Attestation[] memory jury = _jury(item, item.dispute.id(address(arbiter), item.id), output);
        if (jury.length == 0) revert ANonsenseWasTaken("no jury although everybody has a seat");
        _judge(index, seed, 10 gwei, output, jury);
    }

    function _judge(uint256 index, uint256 seed, uint64 gasPrice, bytes memory output, Attestation[] memory jury)
        private
    {
        Tracked storage item = _tracked[index];
        bool stands = keccak256(output) == item.proposal.outputHash;
        uint256[] memory before = _stakes();
        _moodOf(seed >> 8);
        vm.txGasPrice(bound(gasPrice, 0, 2000 gwei));
        vm.recordLogs();
        vm.prank(_submitter(jury, seed & 1 == 0));
        arbiter.resolve(item.request, item.dispute, output, 0, jury);
        item.output = output;
        _settled(index, vm.getRecordedLogs());
        _notePunishments(before);
        ++count[stands ? "upheld" : "overturned"];
        try arbiter.resolve(item.request, item.dispute, output, 0, jury) {
            revert ANonsenseWasTaken("a second verdict");
        } catch {}
    }

    function _finalizeAt(uint256 index, uint256 seed, bool strangerSubmits) private {
        Tracked storage item = _tracked[index];
        _moodOf(seed >> 8);
        vm.recordLogs();
        vm.prank(strangerSubmits ? address(0xbad) : vm.addr(_keys[Signers.first(item.proposal.signers)]));
        oracle.finalize(item.request, item.proposal, item.output);
        _settled(index, vm.getRecordedLogs());
        ++count["finalizations"];
        try oracle.finalize(item.request, item.proposal, item.output) {
            revert ANonsenseWasTaken("a proposal was finalized twice");
        } catch {}
    }

    function _challengeAt(uint256 index) private {
        Tracked storage item = _tracked[index];
        uint256 bond = arbiter.bondWei();
        vm.deal(challenger, bond);
        vm.recordLogs();
        vm.prank(challenger);
        arbiter.challenge{value: bond}(item.request, item.proposal);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] != IJuryArbiter.ProposalChallenged.selector) continue;
            item.dispute = abi.decode(logs[i].data, (Dispute));
        }
        _move(index, Stage.Challenged);
        ++count["challenges"];
        vm.roll(vm.getBlockNumber() + 1);
        vm.warp(_windowEnd(item) + 1);
        try oracle.finalize(item.request, item.proposal, item.output) {
            revert ANonsenseWasTaken("a challenged proposal was finalized");
        } catch {}
    }

    function _lapseAt(uint256 index) private {
        Tracked storage item = _tracked[index];
        uint256 endsAt = uint256(item.dispute.challengedAt) + arbiter.verdictSeconds();
        if (vm.getBlockTimestamp() <= endsAt) vm.warp(endsAt + 1);
        arbiter.lapse(item.request, item.dispute);
        ++timesRefunded[item.id];
        _release(item.request);
        _move(index, Stage.Over);
        ++count["lapses"];
        try arbiter.lapse(item.request, item.dispute) {
            revert ANonsenseWasTaken("a second lapse");
        } catch {}
    }

    function _aProposed(uint256 seed) private returns (uint256) {
        uint256[] storage proposed = _at[Stage.Proposed];
        if (proposed.length == 0) _settleAt(_anOpen(seed, true), seed, 10 gwei, false);
        return proposed[seed % proposed.length];
    }

    /// @dev A proposal whose window still runs; one whose window is over becomes final on the way.
    function _aChallengeable(uint256 seed) private returns (uint256 index) {
        uint256[] storage proposed = _at[Stage.Proposed];
        while (proposed.length > 0) {
            index = proposed[seed % proposed.length];
            if (vm.getBlockTimestamp() <= _windowEnd(_tracked[index])) return index;
            _finalizeAt(index, seed, false);
        }
        return _aProposed(seed);
    }

    /// @dev A dispute that can still be judged; one whose time is over lapses on the way.
    function _aChallenged(uint256 seed) private returns (uint256 index) {
        uint256[] storage challenged = _at[Stage.Challenged];
        while (challenged.length > 0) {
            index = challenged[seed % challenged.length];
            Dispute memory dispute = _tracked[index].dispute;
            // Two minutes are what the jury's draw may take.
            if (vm.getBlockTimestamp() + 120 <= dispute.challengedAt + arbiter.verdictSeconds()) return index;
            _lapseAt(index);
        }
        index = _aChallengeable(seed);
        _challengeAt(index);
    }

    /// @dev A jury that agrees, as soon as it is drawn; none when too few are left who may sit on it.
    function _jury(Tracked memory item, bytes32 disputeId, bytes memory output)
        private
        returns (Attestation[] memory jury)
    {
        uint256 wanted = item.request.terms.committeeSize() + 1;
        Dispute memory dispute = item.dispute;
        if (vm.getBlockNumber() > uint256(dispute.challengedBlock) + 200) return new Attestation[](0);
        for (uint256 round = 0; round < 12; ++round) {
            jury = new Attestation[](wanted);
            uint256 found;
            for (uint32 id = 1; id <= operatorCount() && found < wanted; ++id) {
                if (Signers.includes(dispute.proposal.signers, id)) continue;
                if (!_maySign(item.request, disputeId, dispute.challengedBlock, dispute.challengedAt, id)) continue;
                jury[found++] = _sign(id, disputeId, output);
            }
            if (found == wanted) return jury;
            skip(item.request.opening.roundSeconds());
        }
        return new Attestation[](0);
    }

    function _windowEnd(Tracked memory item) private pure returns (uint256) {
        return uint256(item.proposal.proposedAt) + item.request.opening.challengeWindow();
    }

    function _stakes() private view returns (uint256[] memory stakes) {
        stakes = new uint256[](operatorCount() + 1);
        for (uint32 id = 1; id <= operatorCount(); ++id) {
            (uint256 unbonding,) = operators.unbondingOf(id);
            stakes[id] = operators.stakeOf(id) + unbonding;
        }
    }

    function _notePunishments(uint256[] memory before) private {
        uint256[] memory current = _stakes();
        for (uint32 id = 1; id <= operatorCount(); ++id) {
            if (current[id] == before[id]) continue;
            takenSince[id] += before[id] - current[id];
            ++count["punishments"];
        }
    }
}
