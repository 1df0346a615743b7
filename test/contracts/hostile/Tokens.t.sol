// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

import {
    CallingOutToken,
    DenyingToken,
    FrozenToken,
    LyingBalanceToken,
    SilentToken
} from "../support/HostileContracts.sol";
import {OracleFixture} from "../support/OracleFixture.sol";
import {CallingToken, FeeOnTransferToken, PlainToken} from "../support/TestTokens.sol";
import {IFeeVault} from "@sibyl/contracts/interfaces/IFeeVault.sol";
import {Policies} from "@sibyl/contracts/libraries/Policies.sol";
import {Attestation} from "@sibyl/contracts/types/Attestation.sol";
import {Request} from "@sibyl/contracts/types/Request.sol";
import {RequestParams} from "@sibyl/contracts/types/RequestParams.sol";
import {RequestStatus} from "@sibyl/contracts/types/RequestStatus.sol";

/// A listed token that misbehaves harms whoever chose it, and no balance in another token or of somebody else.
contract HostileTokensTest is OracleFixture {
    bytes32 private constant TOKEN_MODEL = keccak256("a model priced in a token");
    uint96 private constant TOKEN_PRICE = 5e6;

    function test_ADenyingToken_GivesNoCredit() public {
        DenyingToken token = new DenyingToken();
        fund(token);
        token.deny(true);
        vm.expectRevert(SafeTransferLib.TransferFromFailed.selector);
        oracle.depositToken(address(token), address(this), 100);
        assertEq(oracle.creditOf(address(this), address(token)), 0);
    }

    function test_ADenyingToken_LosesNoCreditOnTheWayOut() public {
        DenyingToken token = new DenyingToken();
        fund(token);
        oracle.depositToken(address(token), address(this), 100);
        token.deny(true);
        vm.expectRevert(SafeTransferLib.TransferFailed.selector);
        oracle.withdrawCredit(address(token), address(this), 40);
        assertEq(oracle.creditOf(address(this), address(token)), 100);
        token.deny(false);
        oracle.withdrawCredit(address(token), address(this), 100);
        assertEq(oracle.creditOf(address(this), address(token)), 0);
        assertEq(token.balanceOf(address(oracle)), 0);
    }

    function test_ASilentToken_IsTakenAndGiven() public {
        SilentToken token = new SilentToken();
        fund(token);
        oracle.depositToken(address(token), address(this), 100);
        assertEq(oracle.creditOf(address(this), address(token)), 100);
        oracle.withdrawCredit(address(token), address(0xcafe), 60);
        assertEq(token.balanceOf(address(0xcafe)), 60);
        assertEq(oracle.creditOf(address(this), address(token)), 40);
    }

    /// @dev Pulling, so nobody's frozen payment holds a settlement up.
    function test_AFrozenToken_DoesNotBlockSettlement() public {
        FrozenToken token = new FrozenToken();
        Request memory request = openIn(token);
        token.freeze(true);
        Attestation[] memory attestations = attest(request);
        vm.prank(attesterOf(1));
        oracle.settle(request, output, 0, attestations);
        assertEq(uint8(oracle.status(request.id())), uint8(RequestStatus.Settled));
        uint256 earned = oracle.earningsOf(2, address(token));
        assertGt(earned, 0);
        vm.prank(ownerOf(2));
        vm.expectRevert(SafeTransferLib.TransferFailed.selector);
        oracle.withdrawEarnings(2, address(token), address(0xcafe));
        assertEq(oracle.earningsOf(2, address(token)), earned);
        // What it earned in coins is not held up either.
        vm.prank(ownerOf(1));
        assertGt(oracle.withdrawEarnings(1, NATIVE, address(0xcafe)), 0);
    }

    function test_AFrozenToken_DoesNotBlockExpiry() public {
        FrozenToken token = new FrozenToken();
        Request memory request = openIn(token);
        token.freeze(true);
        expire(request);
        assertEq(oracle.creditOf(address(consumer), address(token)), request.funds.fee());
        assertEq(oracle.creditOf(address(consumer), NATIVE), request.funds.gasReserve());
    }

    function test_ALyingBalance_GivesNoCreditForNothing() public {
        LyingBalanceToken token = new LyingBalanceToken();
        fund(token);
        // Always too high by the same: what arrives is still counted right.
        token.favour(address(oracle), 1e18);
        oracle.depositToken(address(token), address(this), 100);
        assertEq(oracle.creditOf(address(this), address(token)), 100);
        assertEq(oracle.creditOf(address(0xbad), address(token)), 0);
    }

    function test_ReenteringOnTheWayOut_IsRefused() public {
        CallingOutToken token = new CallingOutToken();
        fund(token);
        oracle.depositToken(address(token), address(token), 500);
        oracle.depositToken(address(token), address(this), 100);
        bytes[4] memory payloads = [
            abi.encodeCall(oracle.withdrawCredit, (address(token), address(token), 500)),
            abi.encodeCall(oracle.depositToken, (address(token), address(token), 1)),
            abi.encodeCall(oracle.withdrawEarnings, (1, address(token), address(token))),
            abi.encodeCall(oracle.withdrawCredit, (NATIVE, address(token), 0))
        ];
        for (uint256 i = 0; i < payloads.length; ++i) {
            token.callDuringTransfer(address(oracle), payloads[i]);
            oracle.withdrawCredit(address(token), address(0xcafe), 10);
            assertFalse(token.innerSucceeded());
            assertEq(i == 2 ? bytes4(0) : bytes4(token.innerReturn()), i == 2 ? bytes4(0) : guardError());
        }
        assertEq(token.balanceOf(address(0xcafe)), 40);
        assertEq(oracle.creditOf(address(this), address(token)), 60);
        assertEq(oracle.creditOf(address(token), address(token)), 500);
        assertEq(token.balanceOf(address(oracle)), 560);
    }

    /// @dev Each way out on its own: what calls back is the token that is being paid out.
    function test_ReenteringAnyWithdrawal_IsRefused() public {
        CallingOutToken token = new CallingOutToken();
        list(token);
        token.mint(address(consumer), 1e18);
        vm.prank(address(consumer));
        token.approve(address(oracle), type(uint256).max);
        settle(open(tokenParams()));
        bytes memory payload = abi.encodeCall(oracle.depositToken, (address(token), address(token), 0));
        for (uint256 i = 0; i < 3; ++i) {
            token.callDuringTransfer(address(oracle), payload);
            vm.prank(i == 0 ? ownerOf(2) : i == 1 ? publisher : owner);
            if (i == 0) oracle.withdrawEarnings(2, address(token), address(0xcafe));
            if (i == 1) oracle.withdrawRoyalties(TOKEN_MODEL, address(token), address(0xcafe));
            if (i == 2) oracle.withdrawProtocolShare(TOKEN_MODEL, address(token), address(0xcafe));
            assertFalse(token.innerSucceeded());
            assertEq(bytes4(token.innerReturn()), guardError());
        }
    }

    /// @dev And into each of them, by somebody who may.
    function test_ReenteringIntoAnyWithdrawal_IsRefused() public {
        CallingOutToken token = new CallingOutToken();
        fund(token);
        oracle.depositToken(address(token), address(this), 100);
        vm.prank(owner);
        oracle.transferOwnership(address(token));
        vm.prank(address(token));
        oracle.acceptOwnership();
        vm.mockCall(address(operators), abi.encodeCall(operators.ownerOf, (1)), abi.encode(address(token)));
        vm.mockCall(address(models), abi.encodeCall(models.publisherOf, (MODEL)), abi.encode(address(token)));
        bytes[3] memory payloads = [
            abi.encodeCall(oracle.withdrawEarnings, (1, NATIVE, address(token))),
            abi.encodeCall(oracle.withdrawRoyalties, (MODEL, NATIVE, address(token))),
            abi.encodeCall(oracle.withdrawProtocolShare, (MODEL, NATIVE, address(token)))
        ];
        for (uint256 i = 0; i < payloads.length; ++i) {
            token.callDuringTransfer(address(oracle), payloads[i]);
            oracle.withdrawCredit(address(token), address(0xcafe), 10);
            assertFalse(token.innerSucceeded());
            assertEq(bytes4(token.innerReturn()), guardError());
        }
    }

    /// @dev A token that asks for inference in the middle of its own payment: its own fee is refused by the guard.
    function test_ReenteringARequestsPayment_IsRefused() public {
        CallingToken token = new CallingToken();
        list(token);
        token.mint(asker, 1e18);
        RequestParams memory p = tokenParams();
        bytes memory payload = abi.encodeCall(oracle.request, (p));
        token.callDuringTransfer(address(oracle), payload);
        vm.startPrank(asker);
        token.approve(address(oracle), type(uint256).max);
        oracle.request{value: costOf(p)}(p);
        vm.stopPrank();
        assertFalse(token.innerSucceeded());
        assertEq(bytes4(token.innerReturn()), guardError());
        assertEq(token.balanceOf(address(oracle)), 3 * TOKEN_PRICE);
    }

    function test_AFeeOnTransfer_LeavesARequestsPaymentRefused() public {
        FeeOnTransferToken token = new FeeOnTransferToken();
        vm.prank(owner);
        oracle.listToken(address(token));
        publishIn();
        token.mint(asker, 1e18);
        RequestParams memory p = tokenParams();
        uint256 cost = costOf(p);
        uint256 fee = 3 * uint256(TOKEN_PRICE);
        vm.startPrank(asker);
        token.approve(address(oracle), type(uint256).max);
        vm.expectRevert(
            abi.encodeWithSelector(IFeeVault.TokenAmountMismatch.selector, address(token), fee, fee - fee / 100)
        );
        oracle.request{value: cost}(p);
        vm.stopPrank();
        assertEq(token.balanceOf(address(oracle)), 0);
    }

    function guardError() private pure returns (bytes4) {
        return ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector;
    }

    function list(PlainToken token) private {
        vm.prank(owner);
        oracle.listToken(address(token));
        publishIn();
    }

    function publishIn() private {
        vm.prank(publisher);
        models.publish(TOKEN_MODEL, "", 1, TOKEN_PRICE, 0, ROYALTY_BPS, profile());
        for (uint32 id = 1; id <= 3; ++id) {
            vm.prank(ownerOf(id));
            operators.enroll(TOKEN_MODEL);
        }
        skip(60);
    }

    function fund(PlainToken token) private {
        list(token);
        token.mint(address(this), 1e18);
        token.approve(address(oracle), type(uint256).max);
    }

    function tokenParams() private view returns (RequestParams memory p) {
        p = paramsOf(Policies.threeUnanimous());
        p.modelId = TOKEN_MODEL;
    }

    function openIn(PlainToken token) private returns (Request memory) {
        list(token);
        token.mint(address(consumer), 1e18);
        vm.prank(address(consumer));
        token.approve(address(oracle), type(uint256).max);
        return open(tokenParams());
    }
}
