// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";

import {MessageBoard} from "../contracts/MessageBoard.sol";
import {InferenceConsumer} from "@sibyl/contracts/consumer/InferenceConsumer.sol";
import {IFeeVault} from "@sibyl/contracts/interfaces/IFeeVault.sol";
import {Policies} from "@sibyl/contracts/libraries/Policies.sol";
import {ClassificationCodec} from "@sibyl/contracts/libraries/codecs/ClassificationCodec.sol";
import {MockInferenceOracle} from "@sibyl/contracts/testing/MockInferenceOracle.sol";
import {InferenceSettings} from "@sibyl/contracts/types/InferenceSettings.sol";
import {RequestStatus} from "@sibyl/contracts/types/RequestStatus.sol";

contract MessageBoardTest is Test {
    bytes32 internal constant SPAM_MODEL = keccak256("a spam model");

    MockInferenceOracle internal oracle;
    MessageBoard internal board;
    address internal author = makeAddr("author");

    function setUp() public {
        oracle = new MockInferenceOracle();
        oracle.setFee(0.003 ether);
        board = new MessageBoard(
            oracle,
            SPAM_MODEL,
            InferenceSettings({
                policy: Policies.threeUnanimous(),
                callbackGasLimit: 200_000,
                lifetimeSeconds: 10 minutes,
                maxGasPrice: 10 gwei,
                maxFee: 0.01 ether
            })
        );
        vm.deal(author, 10 ether);
    }

    function test_Post_AsksTheModel() public {
        bytes32 id = post("hello");
        assertEq(oracle.inputOf(id), abi.encode("hello"));
        assertEq(oracle.requestOf(id).modelId, SPAM_MODEL);
        assertFalse(board.isPublished(id));
    }

    function test_Post_LogsTheTextForThePage() public {
        uint256 fee = board.postFee("hello");
        vm.expectEmit(false, true, true, true, address(board));
        emit MessageBoard.Posted(0, author, "hello");
        vm.prank(author);
        board.post{value: fee}("hello");
    }

    function test_Result_PublishesHam() public {
        bytes32 id = post("hello");
        vm.expectEmit(address(board));
        emit MessageBoard.Judged(id, true, 0.98e18);
        assertTrue(oracle.answer(id, ClassificationCodec.encode(0, 0.98e18)));
        assertTrue(board.isPublished(id));
    }

    function test_Result_HoldsSpam() public {
        bytes32 id = post("WIN a prize now");
        vm.expectEmit(address(board));
        emit MessageBoard.Judged(id, false, 0.99e18);
        assertTrue(oracle.answer(id, ClassificationCodec.encode(1, 0.99e18)));
        assertFalse(board.isPublished(id));
    }

    function test_Result_MalformedOutputPublishesNothing() public {
        bytes32 id = post("hello");
        assertFalse(oracle.answer(id, hex"01"));
        assertFalse(board.isPublished(id));
        assertEq(uint8(oracle.status(id)), uint8(RequestStatus.CallbackFailed));
    }

    function test_Expiry_RefundsTheAuthor() public {
        uint256 before = author.balance;
        bytes32 id = post("hello");
        oracle.expire(id);
        assertFalse(board.isPublished(id));
        vm.prank(author);
        board.claimRefund();
        assertEq(author.balance, before);
        vm.prank(author);
        board.claimRefund();
        assertEq(author.balance, before, "once");
    }

    function test_Expiry_LaterPostsCannotSpendARefund() public {
        bytes32 id = post("hello");
        oracle.expire(id);
        vm.prank(makeAddr("freeloader"));
        vm.expectPartialRevert(IFeeVault.CreditTooLow.selector);
        board.post("for nothing");
    }

    function test_Credit_PaysForLaterPosts() public {
        bytes32 first = post("hello");
        oracle.answer(first, ClassificationCodec.encode(0, 1e18));
        uint256 credit = oracle.creditOf(address(board), address(0));
        uint256 fee = board.postFee("again");
        vm.prank(author);
        bytes32 second = board.post{value: fee - credit}("again");
        // Only what the author paid comes back, not what the board's credit paid.
        oracle.expire(second);
        assertEq(board.refundWei(author), fee - credit);
    }

    function test_RevertWhen_ThePostIsTooLong() public {
        string memory long = string(new bytes(4097));
        vm.expectRevert(abi.encodeWithSelector(MessageBoard.PostTooLong.selector, 4097, 4096));
        board.post{value: 1 ether}(long);
    }

    function test_RevertWhen_PaidShort() public {
        uint256 fee = board.postFee("hello");
        vm.prank(author);
        vm.expectPartialRevert(IFeeVault.CreditTooLow.selector);
        board.post{value: fee - 1}("hello");
    }

    function test_RevertWhen_AStrangerAnswersOrPays() public {
        bytes32 id = post("hello");
        vm.expectRevert(abi.encodeWithSelector(InferenceConsumer.OnlyOracle.selector, address(this)));
        board.onInference(id, ClassificationCodec.encode(0, 1e18));
        (bool sent,) = address(board).call{value: 1}("");
        assertFalse(sent);
    }

    function post(string memory text) private returns (bytes32 id) {
        uint256 fee = board.postFee(text);
        vm.prank(author);
        return board.post{value: fee}(text);
    }
}
