// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {CommonBase} from "forge-std/Base.sol";
import {StdCheats} from "forge-std/StdCheats.sol";
import {StdUtils} from "forge-std/StdUtils.sol";

import {OperatorRegistry} from "@sibyl/contracts/OperatorRegistry.sol";
import {Attestations} from "@sibyl/contracts/libraries/Attestations.sol";
import {Offence} from "@sibyl/contracts/types/Offence.sol";
import {SignedOutput} from "@sibyl/contracts/types/SignedOutput.sol";

/// @notice What operators, judges and reporters do to the registry. It is the judge itself.
/// @dev Refusals that are part of the game are caught; everything else fails the suite.
contract RegistryHandler is CommonBase, StdCheats, StdUtils {
    OperatorRegistry public immutable operators;
    address public immutable oracle;
    bytes32[2] public modelIds;
    uint256[] public keys;
    address[] public owners;
    address[3] public reporters = [address(0xa1), address(0xa2), address(0xa3)];

    /// @notice Wei that punishments took and what their reporters got of it, by the registry's own answers.
    uint256 public taken;
    uint256 public rewarded;
    uint256 public punished;
    uint256 public slashed;

    constructor(
        OperatorRegistry operators_,
        address oracle_,
        bytes32[2] memory modelIds_,
        uint256[] memory keys_,
        address[] memory owners_
    ) {
        operators = operators_;
        oracle = oracle_;
        modelIds = modelIds_;
        keys = keys_;
        owners = owners_;
    }

    function enroll(uint256 seed) external {
        vm.prank(owners[_operator(seed)]);
        try operators.enroll(modelIds[(seed >> 8) % 2]) {} catch {}
    }

    function unenroll(uint256 seed) external {
        vm.prank(owners[_operator(seed)]);
        try operators.unenroll(modelIds[(seed >> 8) % 2]) {} catch {}
    }

    function addStake(uint256 seed, uint96 amount) external {
        uint256 value = bound(amount, 0, 10 ether);
        vm.deal(address(this), value);
        try operators.addStake{value: value}(_operator(seed)) {} catch {}
    }

    function beginUnbonding(uint256 seed, uint96 amount) external {
        uint32 id = _operator(seed);
        uint256 stake = operators.stakeOf(id);
        vm.prank(owners[id]);
        try operators.beginUnbonding(seed % 3 == 0 ? stake : bound(amount, 0, stake)) {} catch {}
    }

    function withdrawUnbonded(uint256 seed) external {
        vm.prank(owners[_operator(seed)]);
        try operators.withdrawUnbonded(address(0xdead)) {} catch {}
    }

    function punish(uint256 seed, bool forOutput) external {
        Offence offence = forOutput ? Offence.OverturnedOutput : Offence.MissedOpening;
        uint32 id = _operator(seed);
        (uint256 amount, uint256 reward) = operators.punish(id, offence, reporters[(seed >> 8) % 3]);
        taken += amount;
        rewarded += reward;
        ++punished;
    }

    function slash(uint256 seed, uint32 viewNumber) external {
        // Seldom, or all operators are gone before much has happened.
        if (seed % 16 != 0) return;
        uint32 id = _operator(seed >> 4);
        SignedOutput memory first = _signed(id, viewNumber, "one answer");
        SignedOutput memory second = _signed(id, viewNumber, "another answer");
        vm.prank(reporters[(seed >> 8) % 3]);
        try operators.slashEquivocation(oracle, keccak256("a request"), viewNumber, first, second) returns (
            uint256 amount
        ) {
            taken += amount;
            rewarded += amount * operators.parameters().reporterBps / 10_000;
            ++slashed;
        } catch {}
    }

    function withdrawRewards(uint256 seed) external {
        address reporter = reporters[seed % 3];
        uint256 amount = operators.rewardsOf(reporter);
        if (amount == 0) return;
        vm.prank(reporter);
        operators.withdrawRewards(address(0xdead));
        rewarded -= amount;
        taken -= amount;
    }

    function addSlashedFunds(uint96 amount) external {
        uint256 value = bound(amount, 0, 1 ether);
        vm.deal(address(this), value);
        operators.addSlashedFunds{value: value}();
        taken += value;
    }

    function withdrawSlashedFunds() external {
        vm.prank(operators.owner());
        taken -= operators.withdrawSlashedFunds(address(0xdead));
    }

    function wait(uint24 secondsLater) external {
        vm.warp(vm.getBlockTimestamp() + bound(secondsLater, 1, 8 days));
    }

    function _operator(uint256 seed) private view returns (uint32) {
        return uint32((seed >> 16) % (owners.length - 1) + 1);
    }

    function _signed(uint32 id, uint32 viewNumber, bytes memory answer) private view returns (SignedOutput memory) {
        bytes32 structHash = Attestations.structHash(keccak256("a request"), keccak256(answer), viewNumber);
        bytes32 digest = Attestations.digest(Attestations.domainSeparator(oracle), structHash);
        (bytes32 r, bytes32 vs) = vm.signCompact(keys[id], digest);
        return SignedOutput(keccak256(answer), r, vs);
    }
}
