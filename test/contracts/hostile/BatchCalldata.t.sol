// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {BookKeeping} from "../support/BookKeeping.sol";
import {HostileConsumer} from "../support/HostileConsumer.sol";
import {IInferenceOracle} from "@sibyl/contracts/interfaces/IInferenceOracle.sol";
import {Request} from "@sibyl/contracts/types/Request.sol";
import {RequestParams} from "@sibyl/contracts/types/RequestParams.sol";
import {RequestStatus} from "@sibyl/contracts/types/RequestStatus.sol";
import {Settlement} from "@sibyl/contracts/types/Settlement.sol";

/// `settleBatch` hands each item's own bytes on to itself. Whatever the calldata says where items begin and end, it settles
/// nothing that `settle` would not, and pays nothing twice.
///
/// The layout, in words behind the selector: 0x20, the number of items, where each item begins (from the word behind the
/// number), then the items: five words of the request, where the output begins, the view, where the attestations begin (both
/// from the item's beginning), then the two.
contract BatchCalldataTest is BookKeeping {
    uint256 private constant COUNT = 36;
    uint256 private constant OFFSETS = 68;

    /// @dev Bytes of an item in `itemsOf`: head, an output of two words, three attestations.
    uint256 private constant ITEM = 32 * (8 + 3 + 10);
    uint256 private constant OUTPUT_OFFSET = 5 * 32;
    uint256 private constant VIEW = 6 * 32;
    uint256 private constant ATTESTATIONS_OFFSET = 7 * 32;
    uint256 private constant OUTPUT_LENGTH = 8 * 32;
    uint256 private constant FIRST_OPERATOR = 12 * 32;

    function test_Layout_IsWhatTheseTestsTakeItFor() public {
        bytes memory data = callOf(3);
        assertEq(data.length, OFFSETS + 3 * 32 + 3 * ITEM);
        assertEq(word(data, COUNT), 3);
        for (uint256 i = 0; i < 3; ++i) {
            assertEq(word(data, OFFSETS + 32 * i), 96 + ITEM * i);
            assertEq(word(data, placeOf(3, i) + OUTPUT_OFFSET), OUTPUT_LENGTH);
            assertEq(word(data, placeOf(3, i) + ATTESTATIONS_OFFSET), OUTPUT_LENGTH + 96);
            assertEq(word(data, placeOf(3, i) + FIRST_OPERATOR), 1);
        }
    }

    function test_Batch_ItemsOutOfOrderSettleNothingElse() public {
        bytes memory data = callOf(3);
        put(data, OFFSETS, 96 + 2 * ITEM);
        put(data, OFFSETS + 64, 96);
        // The second item would have to end before it begins.
        assertFalse(send(data));
        assertEq(settledCount(), 0);
        assertBooks();
    }

    function test_Batch_TwoItemsAtOnePlaceSettleOnce() public {
        bytes memory data = callOf(2);
        put(data, OFFSETS, 64 + ITEM);
        // The first has no bytes of its own then.
        assertTrue(send(data));
        assertEq(settledCount(), 1);
        assertBooks();
    }

    function test_Batch_OverlappingItemsSettleWhatIsWholeInThem() public {
        bytes memory data = callOf(3);
        // The second begins within the first.
        put(data, OFFSETS + 32, 96 + 64);
        assertTrue(send(data));
        // Cut off, shifted, and the third as it was.
        assertEq(settledCount(), 1);
        assertTrue(isSettled(booked[2]));
        assertBooks();
    }

    function testFuzz_Batch_AnyOffsetSettlesOnlyWhatWasSigned(uint256 which, uint256 offset, uint8 kind) public {
        bytes memory data = callOf(3);
        if (kind % 4 == 0) offset = bound(offset, 0, data.length + 64);
        if (kind % 4 == 1) offset = bound(offset, 0, data.length / 32) * 32;
        if (kind % 4 == 2) offset = type(uint256).max - offset % 1024;
        put(data, OFFSETS + 32 * (which % 3), offset);
        send(data);
        assertBooks();
    }

    function test_Batch_AnOffsetPastTheEndIsRefused() public {
        uint256[3] memory offsets = [uint256(1 << 20), type(uint64).max, uint256(type(int256).max)];
        for (uint256 i = 0; i < offsets.length; ++i) {
            for (uint256 which = 0; which < 2; ++which) {
                bytes memory data = callOf(2);
                put(data, OFFSETS + 32 * which, offsets[i]);
                assertFalse(send(data));
            }
        }
        assertEq(settledCount(), 0);
        assertBooks();
    }

    /// @dev The compiler lets an offset point backwards. What stands there is no request that anybody opened.
    function test_Batch_AnOffsetBackwardsSettlesNothing() public {
        bytes memory data = callOf(1);
        for (uint256 back = 1; back <= OFFSETS; ++back) {
            put(data, OFFSETS, type(uint256).max - back + 1);
            send(data);
        }
        assertEq(settledCount(), 0);
        assertBooks();
    }

    function test_Batch_AnAbsurdNumberOfItemsIsRefused() public {
        uint256[4] memory counts = [uint256(5), type(uint32).max, uint256(1) << 251, type(uint256).max];
        for (uint256 i = 0; i < counts.length; ++i) {
            bytes memory data = callOf(2);
            put(data, COUNT, counts[i]);
            // What it then takes for places of items are words of the first request.
            assertFalse(send(data));
        }
        assertEq(settledCount(), 0);
        assertBooks();
    }

    /// @dev An output or a list of attestations that lies behind the item is not handed on, so it is not read either.
    function test_Batch_ATailInAnotherItemIsOutOfReach() public {
        bytes memory data = callOf(2);
        put(data, placeOf(2, 0) + OUTPUT_OFFSET, ITEM + OUTPUT_LENGTH);
        bytes4[] memory results = sendForResults(data);
        assertNotEq(results[0], bytes4(0));
        assertEq(results[1], bytes4(0));
        assertEq(settledCount(), 1);
        assertBooks();
    }

    /// @dev `settle` reads such calldata, too, and the signatures are over the bytes, wherever they lie.
    function test_Batch_TheLastItemMaySkipBytes() public {
        bytes memory data = callOf(1);
        bytes memory longer = bytes.concat(data, new bytes(96));
        put(longer, placeOf(1, 0) + OUTPUT_OFFSET, ITEM);
        put(longer, placeOf(1, 0) + ITEM, 64);
        // Two words of zeros are not what was signed.
        assertEq(sendForResults(longer)[0], IInferenceOracle.WrongSignature.selector);
        assertEq(settledCount(), 0);
        assertBooks();
    }

    function test_Batch_HugeLengthsInsideAnItemAreRefused() public {
        uint256[3] memory lengths = [uint256(1 << 20), uint256(1) << 63, type(uint256).max];
        for (uint256 i = 0; i < lengths.length; ++i) {
            bytes memory data = callOf(2);
            put(data, placeOf(2, 0) + OUTPUT_LENGTH, lengths[i]);
            assertNotEq(sendForResults(data)[0], bytes4(0));
            data = callOf(2);
            put(data, placeOf(2, 0) + FIRST_OPERATOR - 32, lengths[i]);
            assertNotEq(sendForResults(data)[0], bytes4(0));
        }
        assertEq(settledCount(), 6);
        assertBooks();
    }

    function test_Batch_TruncatedCalldataSettlesNothingOfTheLastItem() public {
        for (uint256 cut = 1; cut <= ITEM; cut += 31) {
            bytes memory data = callOf(1);
            uint256 length = data.length - cut;
            assembly ("memory-safe") {
                mstore(data, length)
            }
            send(data);
        }
        assertEq(settledCount(), 0);
        assertBooks();
    }

    function test_Batch_DirtyBitsAreRefused() public {
        uint256[2] memory dirty = [uint256(1) << 32, uint256(1) << 255];
        for (uint256 i = 0; i < 2; ++i) {
            bytes memory data = callOf(1);
            put(data, placeOf(1, 0) + FIRST_OPERATOR, 1 | dirty[i]);
            assertNotEq(sendForResults(data)[0], bytes4(0));
            data = callOf(1);
            put(data, placeOf(1, 0) + VIEW, dirty[i]);
            assertNotEq(sendForResults(data)[0], bytes4(0));
        }
        assertEq(settledCount(), 0);
        assertBooks();
    }

    function test_Batch_DirtyPaddingOfAnOutputChangesNothing() public {
        output = hex"0102030405";
        bytes memory data = callOf(1);
        // The output's one word, of which five bytes count.
        put(data, placeOf(1, 0) + OUTPUT_LENGTH + 32, word(data, placeOf(1, 0) + OUTPUT_LENGTH + 32) | 0xffff);
        assertEq(sendForResults(data)[0], bytes4(0));
        assertTrue(oracle.verifyOutput(booked[0].id(), output));
        assertEq(consumer.lastOutput(), output);
        assertBooks();
    }

    /// @dev Any words of a right batch become anything that is likely to confuse.
    function testFuzz_Batch_AnyCalldataSettlesOnlyWhatWasSigned(uint256 seed, uint8 changes) public {
        bytes memory data = callOf(3);
        for (uint256 i = 0; i <= changes % 6; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint256 place = 4 + 32 * ((seed >> 16) % (data.length / 32));
            uint256[8] memory values = [
                seed,
                0,
                type(uint256).max,
                (seed >> 32) % data.length,
                ((seed >> 32) % (data.length / 32)) * 32,
                nextWord(data, place),
                word(data, place) ^ (uint256(1) << ((seed >> 40) % 256)),
                word(data, 4 + 32 * ((seed >> 48) % (data.length / 32)))
            ];
            put(data, place, values[seed % 8]);
        }
        send(data);
        assertBooks();
    }

    function test_Batch_OneBadOfTenHoldsNoOtherBack() public {
        Settlement[] memory items = itemsOf(10);
        items[4].attestations[1].r = bytes32(uint256(1));
        bytes4[] memory results = oracle.settleBatch(items);
        for (uint256 i = 0; i < 10; ++i) {
            assertEq(results[i], i == 4 ? IInferenceOracle.WrongSignature.selector : bytes4(0));
        }
        assertEq(settledCount(), 9);
        assertBooks();
    }

    function test_Batch_NestedInACallbackSettlesEachOnce() public {
        HostileConsumer hostile = new HostileConsumer(oracle, settings());
        creditors.push(address(hostile));
        Settlement[] memory items = itemsOf(3);
        RequestParams memory p = params();
        p.callbackGasLimit = 2_000_000;
        Request memory trap = openFor(hostile, p);
        booked.push(trap);
        items[1] = Settlement(trap, output, 0, attest(trap));
        hostile.callBackWith(abi.encodeCall(oracle.settleBatch, (items)), 0);
        bytes4[] memory results = oracle.settleBatch(items);
        assertTrue(hostile.innerSucceeded());
        bytes4[] memory inner = abi.decode(hostile.innerReturn(), (bytes4[]));
        // From within the second item: the first is settled, the second under way, the third settles there.
        assertEq(inner[0], IInferenceOracle.RequestNotOpen.selector);
        assertEq(inner[1], IInferenceOracle.RequestNotOpen.selector);
        assertEq(inner[2], bytes4(0));
        assertEq(results[0], bytes4(0));
        assertEq(results[1], bytes4(0));
        assertEq(results[2], IInferenceOracle.RequestNotOpen.selector);
        assertBooks();
    }

    /// @dev Too little gas fails items, with a reason; it never settles one without its callback having had its gas.
    function testFuzz_Batch_AnyGasSettlesOnlyWhole(uint256 gasGiven) public {
        gasGiven = bound(gasGiven, 30_000, 1_500_000);
        Settlement[] memory items = itemsOf(3);
        (bool success,) = address(oracle).call{gas: gasGiven}(abi.encodeCall(oracle.settleBatch, (items)));
        if (!success) assertEq(settledCount(), 0);
        assertEq(consumer.results(), settledCount());
        for (uint256 i = 0; i < 3; ++i) {
            RequestStatus status = oracle.status(booked[i].id());
            assertTrue(status == RequestStatus.Open || status == RequestStatus.Settled);
        }
        assertBooks();
    }

    function callOf(uint256 count) private returns (bytes memory) {
        return abi.encodeCall(oracle.settleBatch, (itemsOf(count)));
    }

    /// @dev Submitted by a signer, because a repayment is what could go wrong.
    function send(bytes memory data) private returns (bool success) {
        vm.prank(attesterOf(1));
        (success,) = address(oracle).call{gas: 12_000_000}(data);
    }

    function sendForResults(bytes memory data) private returns (bytes4[] memory) {
        vm.prank(attesterOf(1));
        (bool success, bytes memory answer) = address(oracle).call{gas: 12_000_000}(data);
        assertTrue(success);
        return abi.decode(answer, (bytes4[]));
    }

    function settledCount() private view returns (uint256 count) {
        for (uint256 i = 0; i < booked.length; ++i) {
            if (isSettled(booked[i])) ++count;
        }
    }

    /// @dev Where in the call an item begins.
    function placeOf(uint256 count, uint256 index) private pure returns (uint256) {
        return OFFSETS + 32 * count + ITEM * index;
    }

    function word(bytes memory data, uint256 place) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := mload(add(add(data, 32), place))
        }
    }

    function nextWord(bytes memory data, uint256 place) private pure returns (uint256) {
        unchecked {
            return word(data, place) + 32;
        }
    }

    function put(bytes memory data, uint256 place, uint256 value) private pure {
        if (place + 32 > data.length) return;
        assembly ("memory-safe") {
            mstore(add(add(data, 32), place), value)
        }
    }
}
