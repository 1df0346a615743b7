// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

import {OracleFixture} from "./support/OracleFixture.sol";
import {IOracleGovernance} from "@sibyl/contracts/interfaces/IOracleGovernance.sol";
import {Attestations} from "@sibyl/contracts/libraries/Attestations.sol";
import {OracleParameters} from "@sibyl/contracts/types/OracleParameters.sol";

/// What owner, guardian and publishers may do, and nobody else.
contract GovernanceTest is OracleFixture {
    function test_Parameters_AreThePublishedOnes() public view {
        assertEq(keccak256(abi.encode(oracle.parameters())), keccak256(abi.encode(oracleParameters())));
        assertEq(oracle.guardian(), guardian);
    }

    function test_RevertWhen_AParameterIsOutOfBounds() public {
        expectRefused(0, "roundSeconds", 0, 1, 1 hours);
        expectRefused(0, "roundSeconds", 3601, 1, 1 hours);
        expectRefused(1, "overdrawBps", 9999, 10_000, 50_000);
        expectRefused(1, "overdrawBps", 50_001, 10_000, 50_000);
        expectRefused(2, "protocolBps", 2001, 0, 2000);
        expectRefused(3, "maxLifetimeSeconds", 59, 60, 1 days);
        expectRefused(3, "maxLifetimeSeconds", 86_401, 60, 1 days);
        expectRefused(4, "maxCallbackGas", 99_999, 100_000, 10_000_000);
        expectRefused(4, "maxCallbackGas", 10_000_001, 100_000, 10_000_000);
        expectRefused(5, "maxInputBytes", 1023, 1024, 131_072);
        expectRefused(5, "maxInputBytes", 131_073, 1024, 131_072);
    }

    function test_SetParameters_KeepsAPause() public {
        vm.prank(guardian);
        oracle.pauseRequests(1 days);
        vm.prank(owner);
        oracle.setParameters(oracleParameters());
        assertEq(oracle.pausedUntil(), block.timestamp + 1 days);
    }

    function test_Pause_EndsByItselfAndCannotBeStrungTogether() public {
        vm.startPrank(guardian);
        vm.expectRevert(abi.encodeWithSelector(IOracleGovernance.PauseTooLong.selector, 3 days + 1, 3 days));
        oracle.pauseRequests(3 days + 1);
        oracle.pauseRequests(3 days);
        uint256 end = block.timestamp + 3 days;
        vm.warp(end + 3 days - 1);
        vm.expectRevert(abi.encodeWithSelector(IOracleGovernance.PauseTooSoon.selector, end + 3 days, block.timestamp));
        oracle.pauseRequests(1);
        vm.stopPrank();
        uint256 cost = costOf(params());
        oracle.request{value: cost}(params());
        vm.warp(end + 3 days);
        vm.prank(guardian);
        oracle.pauseRequests(1);
    }

    function test_Resume_EndsAPause() public {
        vm.prank(guardian);
        oracle.pauseRequests(1 days);
        vm.prank(owner);
        oracle.resumeRequests();
        uint256 cost = costOf(params());
        oracle.request{value: cost}(params());
        assertEq(oracle.pausedUntil(), block.timestamp);
    }

    function test_RevertWhen_AStrangerGoverns() public {
        bytes memory refused = abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, address(this));
        vm.expectRevert(refused);
        oracle.setParameters(oracleParameters());
        vm.expectRevert(refused);
        oracle.setGuardian(address(this));
        vm.expectRevert(refused);
        oracle.resumeRequests();
        vm.expectRevert(abi.encodeWithSelector(IOracleGovernance.NotGuardian.selector, address(this)));
        oracle.pauseRequests(1);
    }

    function test_Ownership_MovesInTwoSteps() public {
        vm.prank(owner);
        oracle.transferOwnership(asker);
        assertEq(oracle.owner(), owner);
        vm.prank(asker);
        oracle.acceptOwnership();
        assertEq(oracle.owner(), asker);
    }

    function test_Domain_IsTheOneThatOperatorsSign() public view {
        (, string memory name, string memory version, uint256 chainId, address verifying,,) = oracle.eip712Domain();
        assertEq(name, "Sibyl");
        assertEq(version, "1");
        assertEq(chainId, block.chainid);
        assertEq(verifying, address(oracle));
        bytes32 separator = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Sibyl"),
                keccak256("1"),
                block.chainid,
                address(oracle)
            )
        );
        assertEq(Attestations.domainSeparator(address(oracle)), separator);
    }

    function expectRefused(uint256 field, string memory name, uint256 value, uint256 minimum, uint256 maximum) private {
        OracleParameters memory p = oracleParameters();
        if (field == 0) p.roundSeconds = uint16(value);
        if (field == 1) p.overdrawBps = uint16(value);
        if (field == 2) p.protocolBps = uint16(value);
        if (field == 3) p.maxLifetimeSeconds = uint32(value);
        if (field == 4) p.maxCallbackGas = uint32(value);
        if (field == 5) p.maxInputBytes = uint32(value);
        vm.prank(owner);
        vm.expectRevert(
            abi.encodeWithSelector(IOracleGovernance.ParameterOutOfBounds.selector, name, value, minimum, maximum)
        );
        oracle.setParameters(p);
    }
}
