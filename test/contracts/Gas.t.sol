// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {HostileConsumer} from "./support/HostileConsumer.sol";
import {OneWordConsumer} from "./support/OneWordConsumer.sol";
import {OracleFixture} from "./support/OracleFixture.sol";
import {Attestation} from "@sibyl/contracts/types/Attestation.sol";
import {Request} from "@sibyl/contracts/types/Request.sol";
import {RequestParams} from "@sibyl/contracts/types/RequestParams.sol";
import {Settlement} from "@sibyl/contracts/types/Settlement.sol";

/// What transactions cost, 21,000 and calldata in, with every balance in use before (steady state). The bounds keep the
/// development profile from getting dearer. What is deployed is the release profile: `npm run bench:gas` holds its receipts
/// to the real bounds, and to gas-snapshot.json beside this file within 0.2 percent.
/// forge-config: default.isolate = true
contract GasTest is OracleFixture {
    OneWordConsumer internal lean;
    uint256 internal gasOfLastAsk;

    uint256 internal constant REQUEST_32 = 79_000;
    uint256 internal constant REQUEST_1K = 104_000;
    uint256 internal constant SETTLE_3 = 104_000;
    uint256 internal constant BATCH_10 = 52_000;
    uint256 internal constant EXPIRE = 36_000;

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
        Settlement[] memory items = batchOf(10);
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

    /// @dev Fresh balances, an output of 1 KiB and a callback that burns all its gas: the reserve still covers it.
    function test_Gas_TheReserveCoversTheWorstCase() public {
        HostileConsumer hostile = new HostileConsumer(oracle, settings());
        output = new bytes(1024);
        for (uint256 b = 0; b < 1024; ++b) {
            output[b] = 0xff;
        }
        bytes32 fresh = keccak256("a fresh model");
        vm.prank(publisher);
        models.publish(fresh, "", 0, PRICE, PRICE_PER_KIB, ROYALTY_BPS, profile());
        uint32 firstFresh = uint32(keys.length);
        for (uint256 i = 0; i < 3; ++i) {
            join(fresh, STAKE);
        }
        skip(60);
        RequestParams memory p = params();
        p.modelId = fresh;
        Request memory request = openFor(hostile, p);
        hostile.behave(HostileConsumer.Mood.BurnGas);
        Attestation[] memory attestations = new Attestation[](3);
        for (uint32 i = 0; i < 3; ++i) {
            attestations[i] = sign(firstFresh + i, request, output, 0);
        }
        vm.prank(attesterOf(firstFresh));
        oracle.settle(request, output, 0, attestations);
        uint256 used = vm.lastCallGas().gasTotalUsed;
        uint256 reserved = request.funds.gasReserve() / request.funds.maxGasPrice();
        emit log_named_uint("settled with", used);
        emit log_named_uint("reserved    ", reserved);
        assertLe(used, reserved);
    }

    function batchOf(uint256 size) private returns (Settlement[] memory items) {
        items = new Settlement[](size);
        for (uint256 i = 0; i < size; ++i) {
            Request memory request = ask(abi.encode(keccak256(abi.encode(i))));
            output = abi.encode(keccak256(abi.encode("answer", i)));
            items[i] = Settlement(request, output, 0, attest(request));
        }
    }

    function askGas(bytes memory asked) private returns (uint256) {
        ask(asked);
        return gasOfLastAsk;
    }

    function ask(bytes memory asked) private returns (Request memory) {
        uint256 cost = lean.inferenceCost(MODEL, asked.length);
        vm.recordLogs();
        vm.prank(asker);
        bytes32 id = lean.ask{value: cost}(asked);
        gasOfLastAsk = vm.lastCallGas().gasTotalUsed;
        remember(vm.getRecordedLogs());
        nextBlock();
        return opened[id];
    }

    function measure(string memory name, uint256 most, uint256 gasUsed) private {
        emit log_named_uint(name, gasUsed);
        assertLe(gasUsed, most);
    }
}
