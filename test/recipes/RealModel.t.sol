// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";

import {MessageBoard} from "../../examples/message-board/contracts/MessageBoard.sol";
import {InferenceTest} from "@sibyl/contracts/testing/InferenceTest.sol";

/// The real model inside a forge test, through ffi. Apart from the other tests, because ffi lets a test run programs:
/// `FOUNDRY_TEST=test/recipes node scripts/foundry/forge.mjs test --ffi --match-contract RealModel`.
contract RealModelTest is Test, InferenceTest {
    string internal constant MODEL_FOLDER = "models/spam-text";

    MessageBoard internal board;

    function setUp() public {
        board = new MessageBoard(oracle, keccak256("spam-text"), inferenceSettings());
    }

    function test_RealModel_HoldsSpamAndPublishesHam() public {
        bytes32 spam = post("WIN a FREE prize now!!! Click here http://prize.example to claim your $1000 cash");
        bytes32 ham = post("Are we still meeting tomorrow at ten to go through the patch for the kernel module?");
        answer(spam, runModel(MODEL_FOLDER, oracle.inputOf(spam)));
        answer(ham, runModel(MODEL_FOLDER, oracle.inputOf(ham)));
        assertFalse(board.isPublished(spam));
        assertTrue(board.isPublished(ham));
    }

    function post(string memory text) private returns (bytes32) {
        return board.post{value: board.postFee(text)}(text);
    }
}
