// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {OracleFixture} from "./support/OracleFixture.sol";
import {InferenceOracle} from "@sibyl/contracts/InferenceOracle.sol";
import {OperatorRegistry} from "@sibyl/contracts/OperatorRegistry.sol";
import {IOperatorRegistry} from "@sibyl/contracts/interfaces/IOperatorRegistry.sol";
import {IOracleGovernance} from "@sibyl/contracts/interfaces/IOracleGovernance.sol";
import {OperatorParameters} from "@sibyl/contracts/types/OperatorParameters.sol";
import {OracleParameters} from "@sibyl/contracts/types/OracleParameters.sol";

/// setParameters, and what is deployed with
/// ├── when a parameter is at a bound: it should take it
/// └── when a parameter is one beyond: it should revert, with its name, its value and the bounds
contract ParameterBoundsTest is OracleFixture {
    struct Bounds {
        string name;
        uint256 minimum;
        uint256 maximum;
    }

    function test_SetParameters_OracleTakesItsBoundsAndNothingBeyond() public {
        Bounds[6] memory all = [
            Bounds("roundSeconds", 1, 1 hours),
            Bounds("overdrawBps", 10_000, 50_000),
            Bounds("protocolBps", 0, 2000),
            Bounds("maxLifetimeSeconds", 1 minutes, 1 days),
            Bounds("maxCallbackGas", 100_000, 10_000_000),
            Bounds("maxInputBytes", 1024, 131_072)
        ];
        for (uint256 i = 0; i < all.length; ++i) {
            Bounds memory bounds = all[i];
            takesOracle(i, bounds.minimum);
            takesOracle(i, bounds.maximum);
            refusesOracle(i, bounds, bounds.maximum + 1);
            if (bounds.minimum != 0) refusesOracle(i, bounds, bounds.minimum - 1);
        }
    }

    function test_SetParameters_RegistryTakesItsBoundsAndNothingBeyond() public {
        Bounds[8] memory all = [
            Bounds("minStakeWei", 0.001 ether, 1000 ether),
            Bounds("maxStakeWei", 1 ether, 100_000 ether),
            Bounds("activationSeconds", 1, 7 days),
            Bounds("unbondingSeconds", 2 days, 90 days),
            Bounds("reporterBps", 0, 4999),
            Bounds("missedOpeningBps", 0, 1000),
            Bounds("overturnedBps", 0, 5000),
            Bounds("jailSeconds", 0, 30 days)
        ];
        for (uint256 i = 0; i < all.length; ++i) {
            Bounds memory bounds = all[i];
            takesRegistry(i, bounds.minimum);
            takesRegistry(i, bounds.maximum);
            refusesRegistry(i, bounds, bounds.maximum + 1);
            if (bounds.minimum != 0) refusesRegistry(i, bounds, bounds.minimum - 1);
        }
    }

    function test_RevertWhen_DeployedBeyondTheBounds() public {
        OracleParameters memory p = oracleWith(0, 0);
        vm.expectRevert(
            abi.encodeWithSelector(
                IOracleGovernance.ParameterOutOfBounds.selector, "roundSeconds", 0, 1, uint256(1 hours)
            )
        );
        new InferenceOracle(owner, guardian, models, operators, p);
        OperatorParameters memory q = registryWith(4, 5000);
        vm.expectRevert(
            abi.encodeWithSelector(IOperatorRegistry.ParameterOutOfBounds.selector, "reporterBps", 5000, 0, 4999)
        );
        new OperatorRegistry(owner, models, q);
    }

    function takesOracle(uint256 which, uint256 value) private {
        OracleParameters memory p = oracleWith(which, value);
        vm.expectEmit(address(oracle));
        emit IOracleGovernance.ParametersChanged(p);
        vm.prank(owner);
        oracle.setParameters(p);
        assertEq(keccak256(abi.encode(oracle.parameters())), keccak256(abi.encode(p)));
    }

    function refusesOracle(uint256 which, Bounds memory b, uint256 value) private {
        OracleParameters memory p = oracleWith(which, value);
        vm.prank(owner);
        vm.expectRevert(
            abi.encodeWithSelector(IOracleGovernance.ParameterOutOfBounds.selector, b.name, value, b.minimum, b.maximum)
        );
        oracle.setParameters(p);
    }

    function takesRegistry(uint256 which, uint256 value) private {
        OperatorParameters memory p = registryWith(which, value);
        vm.expectEmit(address(operators));
        emit IOperatorRegistry.ParametersChanged(p);
        vm.prank(owner);
        operators.setParameters(p);
        assertEq(keccak256(abi.encode(operators.parameters())), keccak256(abi.encode(p)));
    }

    function refusesRegistry(uint256 which, Bounds memory b, uint256 value) private {
        OperatorParameters memory p = registryWith(which, value);
        vm.prank(owner);
        vm.expectRevert(
            abi.encodeWithSelector(IOperatorRegistry.ParameterOutOfBounds.selector, b.name, value, b.minimum, b.maximum)
        );
        operators.setParameters(p);
    }

    function oracleWith(uint256 which, uint256 value) private pure returns (OracleParameters memory p) {
        p = oracleParameters();
        if (which == 0) p.roundSeconds = uint16(value);
        if (which == 1) p.overdrawBps = uint16(value);
        if (which == 2) p.protocolBps = uint16(value);
        if (which == 3) p.maxLifetimeSeconds = uint32(value);
        if (which == 4) p.maxCallbackGas = uint32(value);
        if (which == 5) p.maxInputBytes = uint32(value);
    }

    function registryWith(uint256 which, uint256 value) private pure returns (OperatorParameters memory p) {
        p = operatorParameters();
        // So that the highest least stake is still below the most that counts.
        p.maxStakeWei = 1000 ether;
        if (which == 1) p.minStakeWei = 1 ether;
        if (which == 0) p.minStakeWei = uint96(value);
        if (which == 1) p.maxStakeWei = uint96(value);
        if (which == 2) p.activationSeconds = uint24(value);
        if (which == 3) p.unbondingSeconds = uint24(value);
        if (which == 4) p.reporterBps = uint16(value);
        if (which == 5) p.missedOpeningBps = uint16(value);
        if (which == 6) p.overturnedBps = uint16(value);
        if (which == 7) p.jailSeconds = uint24(value);
    }
}
