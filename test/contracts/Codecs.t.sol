// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";

import {Policies} from "@sibyl/contracts/libraries/Policies.sol";
import {ScoresCodec} from "@sibyl/contracts/libraries/codecs/ScoresCodec.sol";
import {TensorCodec} from "@sibyl/contracts/libraries/codecs/TensorCodec.sol";
import {TextCodec} from "@sibyl/contracts/libraries/codecs/TextCodec.sol";
import {VectorCodec} from "@sibyl/contracts/libraries/codecs/VectorCodec.sol";
import {Policy} from "@sibyl/contracts/types/Policy.sol";

/// Outputs come from whoever signed them: what is not exactly an encoding is refused by name, whichever word is wrong.
contract CodecsTest is Test {
    /// @dev Words of a tensor of shape [2, 3] and eight bytes of data.
    uint256 private constant DTYPE = 0;
    uint256 private constant SHAPE_OFFSET = 1;
    uint256 private constant DATA_OFFSET = 2;
    uint256 private constant RANK = 3;
    uint256 private constant SECOND_DIMENSION = 5;
    uint256 private constant DATA_LENGTH = 6;

    function test_Tensor_ComesBackAsItWentIn() public view {
        uint32[] memory shape = new uint32[](2);
        (shape[0], shape[1]) = (type(uint32).max, 0);
        (uint8 dtype, uint32[] memory decoded, bytes memory data) =
            this.decodeTensor(TensorCodec.encode(255, shape, hex"0102030405"));
        assertEq(dtype, 255);
        assertEq(decoded.length, 2);
        assertEq(decoded[0], type(uint32).max);
        assertEq(decoded[1], 0);
        assertEq(data, hex"0102030405");
        // The least there is: no dimension, no data.
        (dtype, decoded, data) = this.decodeTensor(TensorCodec.encode(0, new uint32[](0), ""));
        assertEq(decoded.length, 0);
        assertEq(data.length, 0);
    }

    function test_RevertWhen_AWordOfATensorIsWrong() public {
        refusesTensor(tensorWith(DTYPE, 256));
        refusesTensor(tensorWith(SHAPE_OFFSET, 95));
        refusesTensor(tensorWith(SHAPE_OFFSET, 97));
        refusesTensor(tensorWith(SHAPE_OFFSET, 128));
        refusesTensor(tensorWith(DATA_OFFSET, 191));
        refusesTensor(tensorWith(DATA_OFFSET, 193));
        refusesTensor(tensorWith(DATA_OFFSET, 224));
        refusesTensor(tensorWith(RANK, 1));
        refusesTensor(tensorWith(RANK, 3));
        refusesTensor(tensorWith(RANK, type(uint256).max));
        refusesTensor(tensorWith(SECOND_DIMENSION - 1, uint256(type(uint32).max) + 1));
        refusesTensor(tensorWith(SECOND_DIMENSION, uint256(type(uint32).max) + 1));
        refusesTensor(tensorWith(DATA_LENGTH, 33));
        refusesTensor(tensorWith(DATA_LENGTH, 0));
        refusesTensor(tensorWith(DATA_LENGTH, type(uint256).max));
        this.decodeTensor(tensorWith(DTYPE, 255));
        this.decodeTensor(tensorWith(SECOND_DIMENSION, type(uint32).max));
        // All from 1 to 32 bytes lie in the one word.
        this.decodeTensor(tensorWith(DATA_LENGTH, 1));
        this.decodeTensor(tensorWith(DATA_LENGTH, 32));
    }

    function test_RevertWhen_ATensorIsCutOrLonger() public {
        bytes memory whole = tensorWith(DTYPE, 1);
        for (uint256 length = 0; length < whole.length; ++length) {
            refusesTensor(headOf(whole, length));
        }
        refusesTensor(bytes.concat(whole, hex"00"));
        refusesTensor(bytes.concat(whole, new bytes(32)));
    }

    function testFuzz_Tensor_DecodesOnlyWhatItEncodes(bytes memory data, uint32[] memory shape, uint8 dtype, uint256 at)
        public
        view
    {
        bytes memory whole = TensorCodec.encode(dtype, shape, data);
        // One byte is another one: then it is no encoding, or one of something else.
        uint256 place = at % whole.length;
        whole[place] = bytes1(uint8(whole[place]) ^ uint8(at >> 200 | 1));
        try this.decodeTensor(whole) returns (uint8 d, uint32[] memory s, bytes memory b) {
            bytes memory again = TensorCodec.encode(d, s, b);
            // Only what pads the data may have been lost.
            assertEq(again.length, whole.length);
            for (uint256 i = 0; i < again.length - 32; ++i) {
                assertEq(again[i], whole[i]);
            }
        } catch (bytes memory reason) {
            assertEq(bytes4(reason), TensorCodec.MalformedTensor.selector);
        }
    }

    function test_RevertWhen_AVectorOrTextIsCutOrLonger() public {
        int256[] memory values = new int256[](2);
        (values[0], values[1]) = (-1, 2);
        bytes memory vector = abi.encode(values);
        for (uint256 length = 0; length <= vector.length + 1; ++length) {
            if (length == vector.length) continue;
            vm.expectPartialRevert(VectorCodec.MalformedVector.selector);
            this.decodeVector(headOf(bytes.concat(vector, hex"00"), length));
        }
        assertEq(this.decodeVector(vector)[0], -1);
        bytes memory text = abi.encode("two words, no less, of a text");
        for (uint256 length = 0; length <= text.length + 1; ++length) {
            if (length == text.length) continue;
            vm.expectPartialRevert(TextCodec.MalformedText.selector);
            this.decodeText(headOf(bytes.concat(text, hex"00"), length));
        }
        assertEq(this.decodeText(text), "two words, no less, of a text");
    }

    function test_RevertWhen_ScoresAreCutOrLonger() public {
        uint256[] memory values = new uint256[](2);
        (values[0], values[1]) = (0.25e18, 0.75e18);
        bytes memory scores = abi.encode(uint32(1), uint256(0.75e18), values);
        for (uint256 length = 0; length <= scores.length + 1; ++length) {
            if (length == scores.length) continue;
            vm.expectPartialRevert(ScoresCodec.MalformedScores.selector);
            this.decodeScores(headOf(bytes.concat(scores, hex"00"), length));
        }
        this.decodeScores(scores);
    }

    function test_Policies_AreWhatTheirNamesSay() public pure {
        equals(Policies.singleSigner(), 1, 1);
        equals(Policies.threeUnanimous(), 3, 3);
        equals(Policies.fiveOfSeven(), 7, 5);
    }

    // In calls of their own, so that a revert can be looked at.

    function decodeTensor(bytes memory whole) external pure returns (uint8, uint32[] memory, bytes memory) {
        return TensorCodec.decode(whole);
    }

    function decodeVector(bytes memory whole) external pure returns (int256[] memory) {
        return VectorCodec.decode(whole);
    }

    function decodeText(bytes memory whole) external pure returns (string memory) {
        return TextCodec.decode(whole);
    }

    function decodeScores(bytes memory whole) external pure {
        ScoresCodec.decode(whole);
    }

    function refusesTensor(bytes memory whole) private {
        vm.expectRevert(abi.encodeWithSelector(TensorCodec.MalformedTensor.selector, whole.length));
        this.decodeTensor(whole);
    }

    function tensorWith(uint256 word, uint256 value) private pure returns (bytes memory whole) {
        uint32[] memory shape = new uint32[](2);
        (shape[0], shape[1]) = (2, 3);
        whole = TensorCodec.encode(3, shape, hex"0102030405060708");
        assembly ("memory-safe") {
            mstore(add(add(whole, 32), mul(word, 32)), value)
        }
    }

    function headOf(bytes memory whole, uint256 length) private pure returns (bytes memory head) {
        head = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            head[i] = whole[i];
        }
    }

    function equals(Policy memory policy, uint8 committeeSize, uint8 quorum) private pure {
        assertEq(policy.committeeSize, committeeSize);
        assertEq(policy.quorum, quorum);
        assertEq(policy.challengeWindow, 0);
    }
}
