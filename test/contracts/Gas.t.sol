// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IInferenceOracle} from "@sibyl/contracts/interfaces/IInferenceOracle.sol";
import {Attestation} from "@sibyl/contracts/types/Attestation.sol";
import {Request} from "@sibyl/contracts/types/Request.sol";
import {Settlement} from "@sibyl/contracts/types/Settlement.sol";
import {OneWordConsumer} from "./support/OneWordConsumer.sol";
import {OracleFixture} from "./support/OracleFixture.sol";

/// What transactions cost, 21,000 and calldata in, with every balance in use before (steady state). Bounds are for the
/// release profile; the development profile may take a twentieth more.
/// forge-config: default.isolate = true
contract GasTest is OracleFixture {
    OneWordConsumer internal lean;
    uint256 internal constant REQUEST_32 = 72_000;
    uint256 internal constant REQUEST_1K = 97_000;
    uint256 internal constant SETTLE_3 = 97_000;
    uint256 internal constant BATCH_10 = 43_000;
    uint256 internal constant EXPIRE = 34_000;

    function setUp() public override {
        super.setUp();
        output = abi.encode(uint256(0xa5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5));
        lean = new OneWordConsumer(oracle, MODEL, settings());
        // Brings every balance into use.
        Request memory first = ask(abi.encode(uint256(1)));
        vm.prank(attesterOf(1));
        oracle.settle(first, output, 0, attest(first));
    }

    function test_Gas_Request32() public {
        measure("request32", REQUEST_32, askGas(abi.encode(keccak256("32 bytes"))));
    }

    function test_Gas_Request1k() public {
        bytes memory long = new bytes(1024);
        for (uint256 i = 0; i < 1024; ++i) {
            long[i] = bytes1(uint8(i % 255 + 1));
        }
        measure("request1k", REQUEST_1K, askGas(long));
    }

    function test_Gas_Settle3() public {
        Request memory request = ask(abi.encode(keccak256("32 bytes")));
        output = abi.encode(keccak256("another answer"));
        Attestation[] memory attestations = attest(request);
        vm.prank(attesterOf(1));
        oracle.settle(request, output, 0, attestations);
        measure("settle3", SETTLE_3, vm.lastCallGas().gasTotalUsed);
    }

    function test_Gas_SettleBatch10() public {
        Settlement[] memory items = new Settlement[](10);
        for (uint256 i = 0; i < 10; ++i) {
            Request memory request = ask(abi.encode(keccak256(abi.encode(i))));
            output = abi.encode(keccak256(abi.encode("answer", i)));
            items[i] = Settlement(request, output, 0, attest(request));
        }
        vm.prank(attesterOf(1));
        oracle.settleBatch(items);
        measure("settleBatch10", BATCH_10, vm.lastCallGas().gasTotalUsed / 10);
    }

    function test_Gas_Expire() public {
        Request memory request = ask(abi.encode(keccak256("32 bytes")));
        vm.warp(uint256(request.terms.deadline()) + 1);
        oracle.expire(request);
        measure("expire", EXPIRE, vm.lastCallGas().gasTotalUsed);
    }

    function askGas(bytes memory asked) private returns (uint256) {
        ask(asked);
        return asking;
    }

    uint256 private asking;

    function ask(bytes memory asked) private returns (Request memory) {
        uint256 cost = lean.inferenceCost(MODEL, asked.length);
        vm.recordLogs();
        vm.prank(asker);
        bytes32 id = lean.ask{value: cost}(asked);
        asking = vm.lastCallGas().gasTotalUsed;
        remember(vm.getRecordedLogs());
        nextBlock();
        return opened[id];
    }

    function measure(string memory name, uint256 bound, uint256 gasUsed) private {
        emit log_named_uint(name, gasUsed);
        assertLe(gasUsed, bound * 21 / 20);
    }
}
