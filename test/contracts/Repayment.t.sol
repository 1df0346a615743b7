// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {OneWordConsumer} from "./support/OneWordConsumer.sol";
import {OracleFixture} from "./support/OracleFixture.sol";
import {IInferenceOracle} from "@sibyl/contracts/interfaces/IInferenceOracle.sol";
import {SettlementGas} from "@sibyl/contracts/libraries/SettlementGas.sol";
import {Attestation} from "@sibyl/contracts/types/Attestation.sol";
import {Request} from "@sibyl/contracts/types/Request.sol";
import {Settlement} from "@sibyl/contracts/types/Settlement.sol";

/// What a submitter is repaid is what its transaction cost, whatever the output's length: neither a loss nor a business.
/// Requests open in `setUp`, and accounts are cooled, so that each test meters one transaction as a chain would.
contract RepaymentTest is OracleFixture {
    OneWordConsumer internal lean;
    bytes[] internal outputs;
    Request[] internal requests;

    function setUp() public override {
        super.setUp();
        lean = new OneWordConsumer(oracle, MODEL, settings());
        outputs.push(noise(32));
        outputs.push(noise(32));
        outputs.push(noise(256));
        outputs.push(noise(1024));
        for (uint256 i = 0; i < 10; ++i) {
            outputs.push(noise(64 + i % 2));
        }
        for (uint256 i = 0; i < outputs.length; ++i) {
            requests.push(ask(i));
        }
        // Brings every balance into use.
        output = outputs[0];
        settle(requests[0]);
    }

    function test_Finalization_CountsTheOutputsCalldata() public pure {
        assertEq(SettlementGas.finalization(1024) - SettlementGas.finalization(0), 16 * 1024);
    }

    function test_Repayment_Of32Bytes() public {
        assertRepaid(1);
    }

    function test_Repayment_Of256Bytes() public {
        assertRepaid(2);
    }

    function test_Repayment_Of1024Bytes() public {
        assertRepaid(3);
    }

    function test_Repayment_OfABatch() public {
        Settlement[] memory items = new Settlement[](10);
        for (uint256 i = 0; i < 10; ++i) {
            output = outputs[4 + i];
            items[i] = Settlement(requests[4 + i], output, 0, attest(requests[4 + i]));
        }
        assertRepaid(abi.encodeCall(IInferenceOracle.settleBatch, (items)), 0.03e18);
    }

    function assertRepaid(uint256 index) private {
        output = outputs[index];
        Attestation[] memory attestations = attest(requests[index]);
        assertRepaid(abi.encodeCall(IInferenceOracle.settle, (requests[index], output, 0, attestations)), 0.03e18);
    }

    function assertRepaid(bytes memory call, uint256 tolerance) private {
        uint256 before = oracle.earningsOf(1, NATIVE) - oracle.earningsOf(2, NATIVE);
        uint256 cost = 21_000;
        for (uint256 i = 0; i < call.length; ++i) {
            cost += call[i] == 0 ? 4 : 16;
        }
        vm.cool(address(oracle));
        vm.cool(address(operators));
        vm.cool(address(lean));
        vm.prank(attesterOf(1));
        uint256 gasBefore = gasleft();
        (bool success,) = address(oracle).call(call);
        // The call itself came to an account that a transaction finds warm.
        cost += gasBefore - gasleft() - 2_600;
        assertTrue(success);
        uint256 repaid = (oracle.earningsOf(1, NATIVE) - oracle.earningsOf(2, NATIVE) - before) / 10 gwei;
        emit log_named_uint("cost  ", cost);
        emit log_named_uint("repaid", repaid);
        assertApproxEqRel(repaid, cost, tolerance);
    }

    function ask(uint256 seed) private returns (Request memory) {
        bytes memory asked = abi.encode(keccak256(abi.encode(seed)));
        uint256 cost = lean.inferenceCost(MODEL, asked.length);
        vm.recordLogs();
        vm.prank(asker);
        bytes32 id = lean.ask{value: cost}(asked);
        remember(vm.getRecordedLogs());
        nextBlock();
        return opened[id];
    }

    /// @dev Without zero bytes: what calldata of this length costs most.
    function noise(uint256 length) private view returns (bytes memory bytes_) {
        bytes_ = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            bytes_[i] = bytes1(uint8((i * 7 + outputs.length) % 255 + 1));
        }
    }
}
