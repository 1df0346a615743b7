// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {OracleFixture} from "./support/OracleFixture.sol";
import {CallingToken, FeeOnTransferToken, LyingToken, PlainToken} from "./support/TestTokens.sol";
import {IFeeVault} from "@sibyl/contracts/interfaces/IFeeVault.sol";
import {Quote} from "@sibyl/contracts/types/Quote.sol";
import {Request} from "@sibyl/contracts/types/Request.sol";
import {RequestParams} from "@sibyl/contracts/types/RequestParams.sol";

contract FeeVaultTest is OracleFixture {
    PlainToken internal token;
    uint8 internal tokenIndex;
    uint96 internal constant TOKEN_PRICE = 5e6;

    function setUp() public override {
        super.setUp();
        token = new PlainToken();
        vm.prank(owner);
        tokenIndex = oracle.listToken(address(token));
        token.mint(address(this), 1e12);
        token.approve(address(oracle), type(uint256).max);
    }

    // Native

    function test_Deposit_IsCreditThatCanBeWithdrawn() public {
        oracle.deposit{value: 2 ether}(asker);
        assertEq(oracle.creditOf(asker, NATIVE), 2 ether);
        address to = makeAddr("to");
        vm.prank(asker);
        oracle.withdrawCredit(NATIVE, to, 1.5 ether);
        assertEq(to.balance, 1.5 ether);
        assertEq(oracle.creditOf(asker, NATIVE), 0.5 ether);
    }

    function test_RevertWhen_WithdrawingMoreThanTheCredit() public {
        oracle.deposit{value: 1}(asker);
        vm.prank(asker);
        vm.expectRevert(abi.encodeWithSelector(IFeeVault.CreditTooLow.selector, asker, NATIVE, 1, 2));
        oracle.withdrawCredit(NATIVE, asker, 2);
    }

    function test_RevertWhen_CoinsAreSentWithoutSayingWhy() public {
        (bool sent,) = address(oracle).call{value: 1}("");
        assertFalse(sent);
    }

    function test_Withdraw_PaysOperatorPublisherAndProtocol() public {
        Request memory request = open(params());
        settle(request);
        uint256 earned = oracle.earningsOf(1, NATIVE);
        (uint256 royalties, uint256 protocolShare) = oracle.sharesOf(MODEL, NATIVE);
        address to = makeAddr("to");

        vm.prank(ownerOf(1));
        assertEq(oracle.withdrawEarnings(1, NATIVE, to), earned);
        vm.prank(publisher);
        assertEq(oracle.withdrawRoyalties(MODEL, NATIVE, to), royalties);
        vm.prank(owner);
        assertEq(oracle.withdrawProtocolShare(MODEL, NATIVE, to), protocolShare);

        assertEq(to.balance, earned + royalties + protocolShare);
        assertEq(oracle.earningsOf(1, NATIVE), 0);
        (royalties, protocolShare) = oracle.sharesOf(MODEL, NATIVE);
        assertEq(royalties + protocolShare, 0);
        vm.prank(ownerOf(1));
        assertEq(oracle.withdrawEarnings(1, NATIVE, to), 0);
    }

    function test_RevertWhen_AStrangerWithdraws() public {
        vm.expectRevert(abi.encodeWithSelector(IFeeVault.NotOperatorOwner.selector, 1, ownerOf(1), address(this)));
        oracle.withdrawEarnings(1, NATIVE, address(this));
        vm.expectRevert(abi.encodeWithSelector(IFeeVault.NotModelPublisher.selector, MODEL, publisher, address(this)));
        oracle.withdrawRoyalties(MODEL, NATIVE, address(this));
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, address(this)));
        oracle.withdrawProtocolShare(MODEL, NATIVE, address(this));
    }

    function test_RevertWhen_TheReceiverRefusesCoins() public {
        oracle.deposit{value: 1}(asker);
        vm.prank(asker);
        vm.expectRevert(abi.encodeWithSignature("ETHTransferFailed()"));
        oracle.withdrawCredit(NATIVE, address(models), 1);
        assertEq(oracle.creditOf(asker, NATIVE), 1);
    }

    // Tokens

    function test_TokenRequest_IsPaidFromCreditThenAllowance() public {
        priceInToken(tokenIndex);
        RequestParams memory p = params();
        p.maxFee = 3 * TOKEN_PRICE;
        Quote memory q = oracle.quote(MODEL, p.input.length, p.policy, p.callbackGasLimit, p.maxGasPrice);
        assertEq(q.token, address(token));
        assertEq(q.fee, 3 * TOKEN_PRICE);
        assertEq(q.nativeTotal, q.gasReserve);

        oracle.depositToken(address(token), address(this), TOKEN_PRICE);
        assertEq(oracle.creditOf(address(this), address(token)), TOKEN_PRICE);
        uint256 before = token.balanceOf(address(this));
        vm.recordLogs();
        bytes32 id = oracle.request{value: q.nativeTotal}(p);
        remember(vm.getRecordedLogs());
        assertEq(oracle.creditOf(address(this), address(token)), 0);
        assertEq(before - token.balanceOf(address(this)), 2 * TOKEN_PRICE);
        assertEq(token.balanceOf(address(oracle)), 3 * TOKEN_PRICE);

        nextBlock();
        settle(opened[id]);
        (uint256 royalties, uint256 protocolShare) = oracle.sharesOf(MODEL, address(token));
        uint256 owed = royalties + protocolShare;
        for (uint32 i = 1; i <= 3; ++i) {
            owed += oracle.earningsOf(i, address(token));
        }
        assertEq(owed, 3 * TOKEN_PRICE);
        assertGt(oracle.earningsOf(1, NATIVE), 0, "gas is repaid in coins");

        vm.prank(ownerOf(2));
        uint256 paid = oracle.withdrawEarnings(2, address(token), ownerOf(2));
        assertEq(token.balanceOf(ownerOf(2)), paid);
    }

    function test_TokenRequest_ExpiryRefundsBothKinds() public {
        priceInToken(tokenIndex);
        RequestParams memory p = params();
        uint256 cost = costOf(p);
        vm.recordLogs();
        bytes32 id = oracle.request{value: cost}(p);
        remember(vm.getRecordedLogs());
        expire(opened[id]);
        assertEq(oracle.creditOf(address(this), address(token)), 3 * TOKEN_PRICE);
        assertEq(oracle.creditOf(address(this), NATIVE), cost);
        oracle.withdrawCredit(address(token), asker, 3 * TOKEN_PRICE);
        assertEq(token.balanceOf(asker), 3 * TOKEN_PRICE);
    }

    function test_RevertGiven_NoAllowance() public {
        priceInToken(tokenIndex);
        token.approve(address(oracle), 0);
        uint256 cost = costOf(params());
        vm.expectRevert(abi.encodeWithSignature("TransferFromFailed()"));
        oracle.request{value: cost}(params());
    }

    function test_RevertWhen_ATokenTakesAFee() public {
        FeeOnTransferToken greedy = new FeeOnTransferToken();
        greedy.mint(address(this), 1000);
        greedy.approve(address(oracle), 1000);
        vm.prank(owner);
        oracle.listToken(address(greedy));
        vm.expectRevert(abi.encodeWithSelector(IFeeVault.TokenAmountMismatch.selector, address(greedy), 1000, 990));
        oracle.depositToken(address(greedy), address(this), 1000);
    }

    function test_RevertWhen_ATokenLies() public {
        LyingToken liar = new LyingToken();
        vm.prank(owner);
        oracle.listToken(address(liar));
        vm.expectRevert(abi.encodeWithSelector(IFeeVault.TokenAmountMismatch.selector, address(liar), 5, 0));
        oracle.depositToken(address(liar), address(this), 5);
    }

    function test_RevertWhen_ATokenReentersTheDeposit() public {
        CallingToken calling = new CallingToken();
        calling.mint(address(this), 10);
        calling.mint(address(calling), 10);
        calling.approve(address(oracle), 10);
        vm.prank(owner);
        oracle.listToken(address(calling));
        calling.callDuringTransfer(
            address(oracle), abi.encodeCall(IFeeVault.depositToken, (address(calling), address(calling), 5))
        );
        oracle.depositToken(address(calling), address(this), 10);
        assertFalse(calling.innerSucceeded());
        assertEq(bytes4(calling.innerReturn()), ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        assertEq(oracle.creditOf(address(this), address(calling)), 10);
    }

    function test_RevertGiven_TheTokenIsNotListed() public {
        PlainToken unknown = new PlainToken();
        bytes memory refused = abi.encodeWithSelector(IFeeVault.TokenNotListed.selector, address(unknown));
        vm.expectRevert(refused);
        oracle.depositToken(address(unknown), asker, 1);
        vm.expectRevert(refused);
        oracle.withdrawCredit(address(unknown), asker, 1);
        vm.expectRevert(refused);
        oracle.creditOf(asker, address(unknown));
        vm.expectRevert(abi.encodeWithSelector(IFeeVault.TokenNotListed.selector, NATIVE));
        oracle.depositToken(NATIVE, asker, 1);
    }

    function test_RevertGiven_TheTokenIsNotAcceptedAnyMore() public {
        priceInToken(tokenIndex);
        oracle.depositToken(address(token), address(this), 10);
        uint256 cost = costOf(params());
        vm.prank(owner);
        oracle.setTokenAccepted(address(token), false);
        bytes memory refused = abi.encodeWithSelector(IFeeVault.TokenNotAccepted.selector, address(token));
        vm.expectRevert(refused);
        oracle.depositToken(address(token), asker, 1);
        vm.expectRevert(refused);
        oracle.request{value: cost}(params());
        oracle.withdrawCredit(address(token), asker, 10);
        assertEq(token.balanceOf(asker), 10);
    }

    function test_RevertGiven_TheModelsTokenIndexIsUnknown() public {
        priceInToken(77);
        vm.expectRevert(abi.encodeWithSelector(IFeeVault.TokenIndexUnknown.selector, 77));
        oracle.request{value: 1 ether}(params());
    }

    function test_ListToken_IsAppendOnlyAndTheOwners() public {
        assertEq(tokenIndex, 1);
        assertEq(oracle.tokenCount(), 2);
        assertEq(oracle.tokenAt(1).addr, address(token));
        assertEq(oracle.tokenAt(0).addr, NATIVE);
        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(IFeeVault.TokenAlreadyListed.selector, address(token), 1));
        oracle.listToken(address(token));
        vm.expectRevert(abi.encodeWithSelector(IFeeVault.TokenNotListed.selector, asker));
        oracle.listToken(asker);
        for (uint256 i = 2; i < 256; ++i) {
            oracle.listToken(address(new PlainToken()));
        }
        address oneMore = address(new PlainToken());
        vm.expectRevert(IFeeVault.TokenListFull.selector);
        oracle.listToken(oneMore);
        vm.stopPrank();
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, address(this)));
        oracle.listToken(oneMore);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, address(this)));
        oracle.setTokenAccepted(address(token), false);
    }

    function priceInToken(uint8 index) private {
        vm.prank(publisher);
        models.setPrice(MODEL, index, TOKEN_PRICE, 0, ROYALTY_BPS);
    }
}
