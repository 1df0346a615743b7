// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Vm} from "forge-std/Test.sol";

import {HostileConsumer} from "./support/HostileConsumer.sol";
import {OracleFixture} from "./support/OracleFixture.sol";
import {IInferenceOracle} from "@sibyl/contracts/interfaces/IInferenceOracle.sol";
import {Attestation} from "@sibyl/contracts/types/Attestation.sol";
import {OracleParameters} from "@sibyl/contracts/types/OracleParameters.sol";
import {Policy} from "@sibyl/contracts/types/Policy.sol";
import {Request} from "@sibyl/contracts/types/Request.sol";
import {RequestParams} from "@sibyl/contracts/types/RequestParams.sol";
import {RequestStatus} from "@sibyl/contracts/types/RequestStatus.sol";
import {SignedOutput} from "@sibyl/contracts/types/SignedOutput.sol";

/// The dearest that governance's bounds let each transaction become, below what EIP-7825 lets one spend. What did not fit
/// into a transaction could never be settled, slashed or rotated.
/// forge-config: default.isolate = true
contract TransactionGasCapTest is OracleFixture {
    uint256 private constant CAP = 16_777_216;

    /// @dev The highest that `OracleGovernance` allows.
    function oracleParameters() internal pure override returns (OracleParameters memory p) {
        p = super.oracleParameters();
        p.maxCallbackGas = 10_000_000;
        p.maxInputBytes = 128 * 1024;
    }

    function operatorCount() internal pure override returns (uint256) {
        return 8;
    }

    function test_Cap_TheLargestRequestFits() public {
        assertGt(dearest().funds.fee(), 0);
    }

    function test_Cap_TheDearestSettlementFits() public {
        Request memory request = dearest();
        nextBlock();
        output = new bytes(1024);
        Attestation[] memory attestations = attest(request);
        vm.prank(attesterOf(1));
        oracle.settle{gas: CAP - intrinsic(abi.encodeCall(oracle.settle, (request, output, 0, attestations)))}(
            request, output, 0, attestations
        );
        uint256 used = vm.lastCallGas().gasTotalUsed;
        // The callback burnt all that it got.
        assertEq(uint8(oracle.status(request.id())), uint8(RequestStatus.CallbackFailed));
        assertGt(used, 10_000_000);
        assertLt(used, CAP);
    }

    function test_Cap_SlashingEverySeatFits() public {
        takeAllSeats();
        bytes32 requestId = keccak256("any request");
        SignedOutput[2] memory signed;
        for (uint256 i = 0; i < 2; ++i) {
            Attestation memory attestation = signWith(keys[1], 1, requestId, abi.encode(i), 0, address(oracle));
            signed[i] = SignedOutput(keccak256(abi.encode(i)), attestation.r, attestation.vs);
        }
        operators.slashEquivocation(address(oracle), requestId, 0, signed[0], signed[1]);
        assertLt(vm.lastCallGas().gasTotalUsed, CAP);
        assertEq(operators.modelsOf(1).length, 0);
    }

    function test_Cap_RotatingTheKeyOfEverySeatFits() public {
        takeAllSeats();
        uint256 key = uint256(keccak256("the next key"));
        address operatorOwner = ownerOf(1);
        bytes memory agreed = consent(operatorOwner, key);
        vm.prank(operatorOwner);
        operators.rotateAttester(vm.addr(key), agreed);
        assertLt(vm.lastCallGas().gasTotalUsed, CAP);
        assertEq(operators.enrolmentOf(MODEL, 1).attester(), vm.addr(key));
    }

    function test_Cap_ReweighingEverySeatFits() public {
        takeAllSeats();
        vm.prank(ownerOf(1));
        operators.beginUnbonding(STAKE / 2);
        assertLt(vm.lastCallGas().gasTotalUsed, CAP);
        assertEq(operators.enrolmentOf(MODEL, 1).weight(), STAKE / 2 / operators.WEI_PER_WEIGHT());
    }

    /// @dev The most input, the most signers, the most callback gas, and a callback that burns it.
    function dearest() private returns (Request memory) {
        HostileConsumer hostile = new HostileConsumer(oracle, settings());
        hostile.behave(HostileConsumer.Mood.BurnGas);
        bytes memory filled = new bytes(128 * 1024);
        for (uint256 i = 32; i <= filled.length; i += 32) {
            assembly ("memory-safe") {
                mstore(add(filled, i), not(0))
            }
        }
        input = filled;
        RequestParams memory p = paramsOf(Policy({committeeSize: 8, quorum: 8, challengeWindow: 0}));
        p.callbackGasLimit = 10_000_000;
        p.maxFee = type(uint96).max;
        uint256 cost = costOf(p);
        vm.recordLogs();
        vm.prank(asker);
        hostile.askWith{value: cost}(p);
        uint256 used = vm.lastCallGas().gasTotalUsed;
        emit log_named_uint("the largest request used", used);
        assertLt(used, CAP);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        remember(logs);
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] == IInferenceOracle.RequestOpened.selector) return opened[logs[i].topics[1]];
        }
        revert("no RequestOpened among the logs");
    }

    function takeAllSeats() private {
        vm.startPrank(ownerOf(1));
        for (uint256 i = operators.modelsOf(1).length; i < operators.MAX_ENROLMENTS(); ++i) {
            operators.enroll(keccak256(abi.encode("another model", i)));
        }
        vm.stopPrank();
        assertEq(operators.modelsOf(1).length, operators.MAX_ENROLMENTS());
    }

    /// @dev What a transaction costs before it runs, by EIP-2028 and EIP-7623.
    function intrinsic(bytes memory data) private pure returns (uint256 gasUsed) {
        gasUsed = 21_000;
        for (uint256 i = 0; i < data.length; ++i) {
            gasUsed += data[i] == 0 ? 4 : 16;
        }
    }
}
