// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

import {OracleFixture} from "./support/OracleFixture.sol";
import {RealPermit2} from "./support/RealPermit2.sol";
import {CallingToken, FeeOnTransferToken} from "./support/TestTokens.sol";
import {IFeeVault} from "@sibyl/contracts/interfaces/IFeeVault.sol";
import {IPermit2} from "@sibyl/contracts/interfaces/IPermit2.sol";
import {IPermitPayments} from "@sibyl/contracts/interfaces/IPermitPayments.sol";
import {Permit2Payment} from "@sibyl/contracts/types/Permit2Payment.sol";
import {RequestParams} from "@sibyl/contracts/types/RequestParams.sol";
import {RequestStatus} from "@sibyl/contracts/types/RequestStatus.sol";
import {TokenPermit} from "@sibyl/contracts/types/TokenPermit.sol";

contract PermitToken is ERC20("Permit", "PMT"), ERC20Permit("Permit") {
    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}

contract PermitPaymentsTest is OracleFixture, RealPermit2 {
    bytes32 internal constant TOKEN_MODEL = keccak256("a model priced in a token");
    uint96 internal constant TOKEN_PRICE = 5e6;
    uint256 internal constant BALANCE = 1e12;

    uint256 internal payerKey = uint256(keccak256("the payer's key"));
    address internal payer = vm.addr(uint256(keccak256("the payer's key")));
    PermitToken internal token;

    function setUp() public override {
        super.setUp();
        installPermit2();
        token = new PermitToken();
        vm.prank(owner);
        oracle.listToken(address(token));
        vm.prank(publisher);
        models.publish(TOKEN_MODEL, "", 1, TOKEN_PRICE, 0, 0, profile());
        for (uint32 id = 1; id <= 3; ++id) {
            vm.prank(ownerOf(id));
            operators.enroll(TOKEN_MODEL);
        }
        skip(60);
        token.mint(payer, BALANCE);
        vm.deal(payer, 10 ether);
        vm.prank(payer);
        token.approve(PERMIT2, type(uint256).max);
    }

    // ERC-2612

    function test_RequestWithTokenPermit_TakesTheFeeWithNoApproval() public {
        RequestParams memory p = tokenParams();
        uint256 reserve = costOf(p);
        TokenPermit memory permit = permitOf(payerKey, 100e6);
        vm.prank(payer);
        bytes32 id = oracle.requestWithTokenPermit{value: reserve}(p, permit);
        assertEq(uint8(oracle.status(id)), uint8(RequestStatus.Open));
        assertEq(token.balanceOf(payer), BALANCE - 3 * TOKEN_PRICE);
        assertEq(token.balanceOf(address(oracle)), 3 * TOKEN_PRICE);
        assertEq(token.allowance(payer, address(oracle)), 100e6 - 3 * TOKEN_PRICE);
    }

    function test_RequestWithTokenPermit_SurvivesThatSomebodyUsedThePermitFirst() public {
        RequestParams memory p = tokenParams();
        uint256 reserve = costOf(p);
        TokenPermit memory permit = permitOf(payerKey, 100e6);
        token.permit(payer, address(oracle), permit.amount, permit.deadline, permit.v, permit.r, permit.s);
        vm.prank(payer);
        bytes32 id = oracle.requestWithTokenPermit{value: reserve}(p, permit);
        assertEq(uint8(oracle.status(id)), uint8(RequestStatus.Open));
    }

    function test_RevertWhen_ThePermitIsSomebodyElses() public {
        RequestParams memory p = tokenParams();
        uint256 reserve = costOf(p);
        TokenPermit memory permit = permitOf(payerKey, 100e6);
        vm.deal(asker, reserve);
        vm.prank(asker);
        vm.expectRevert(SafeTransferLib.TransferFromFailed.selector);
        oracle.requestWithTokenPermit{value: reserve}(p, permit);
        assertEq(token.balanceOf(payer), BALANCE);
    }

    function test_RevertWhen_ThePermitsTokenIsNotListed() public {
        TokenPermit memory permit = permitOf(payerKey, 1);
        permit.token = makeAddr("not a token");
        vm.prank(payer);
        vm.expectRevert(abi.encodeWithSelector(IFeeVault.TokenNotListed.selector, permit.token));
        oracle.depositTokenWithPermit(payer, permit);
    }

    function test_DepositTokenWithPermit_IsCreditOfTheNamedAccount() public {
        TokenPermit memory permit = permitOf(payerKey, 40e6);
        vm.prank(payer);
        vm.expectEmit(address(oracle));
        emit IFeeVault.Deposited(address(consumer), address(token), 40e6);
        oracle.depositTokenWithPermit(address(consumer), permit);
        assertEq(oracle.creditOf(address(consumer), address(token)), 40e6);
        assertEq(token.balanceOf(payer), BALANCE - 40e6);
    }

    function test_RevertWhen_DepositingByPermitWithNeitherPermitNorAllowance() public {
        TokenPermit memory permit = permitOf(payerKey, 40e6);
        permit.amount = 41e6;
        vm.prank(payer);
        vm.expectRevert(SafeTransferLib.TransferFromFailed.selector);
        oracle.depositTokenWithPermit(address(consumer), permit);
    }

    // Permit2

    function test_RequestPaidThroughPermit2_AUserPaysForAConsumersRequest() public {
        RequestParams memory p = tokenParams();
        uint256 reserve = costOf(p);
        Permit2Payment memory payment = paymentOf(address(this), 20e6, 7);
        bytes32 id = oracle.requestPaidThroughPermit2{value: reserve}(p, payment);
        assertEq(uint8(oracle.status(id)), uint8(RequestStatus.Open));
        assertEq(token.balanceOf(payer), BALANCE - 20e6);
        assertEq(oracle.creditOf(address(this), address(token)), 20e6 - 3 * TOKEN_PRICE);
    }

    function test_RevertWhen_APermit2PaymentIsTakenForAnotherAccount() public {
        RequestParams memory p = tokenParams();
        uint256 reserve = costOf(p);
        Permit2Payment memory payment = paymentOf(address(consumer), 20e6, 7);
        vm.expectRevert(bytes4(keccak256("InvalidSigner()")));
        oracle.requestPaidThroughPermit2{value: reserve}(p, payment);
        vm.expectRevert(bytes4(keccak256("InvalidSigner()")));
        oracle.depositTokenWithPermit2(address(this), payment);
        assertEq(token.balanceOf(payer), BALANCE);
    }

    function test_DepositTokenWithPermit2_AnybodyMaySubmitItForTheNamedAccount() public {
        Permit2Payment memory payment = paymentOf(address(consumer), 20e6, 7);
        vm.prank(makeAddr("a stranger"));
        vm.expectEmit(address(oracle));
        emit IFeeVault.Deposited(address(consumer), address(token), 20e6);
        oracle.depositTokenWithPermit2(address(consumer), payment);
        assertEq(oracle.creditOf(address(consumer), address(token)), 20e6);
    }

    function test_RevertGiven_ThePermit2PaymentWasUsed() public {
        Permit2Payment memory payment = paymentOf(address(consumer), 20e6, 7);
        oracle.depositTokenWithPermit2(address(consumer), payment);
        vm.expectRevert(bytes4(keccak256("InvalidNonce()")));
        oracle.depositTokenWithPermit2(address(consumer), payment);
        assertEq(oracle.creditOf(address(consumer), address(token)), 20e6);
    }

    function test_RevertWhen_ThePermit2PaymentIsLate() public {
        Permit2Payment memory payment = paymentOf(address(consumer), 20e6, 7);
        vm.warp(payment.deadline + 1);
        vm.expectRevert(abi.encodeWithSignature("SignatureExpired(uint256)", payment.deadline));
        oracle.depositTokenWithPermit2(address(consumer), payment);
    }

    function test_RevertWhen_APermit2PaymentAsksForMoreThanWasSigned() public {
        Permit2Payment memory payment = paymentOf(address(consumer), 20e6, 7);
        payment.amount = 21e6;
        vm.expectRevert(bytes4(keccak256("InvalidSigner()")));
        oracle.depositTokenWithPermit2(address(consumer), payment);
    }

    function test_RevertGiven_TheTokenIsNoLongerAccepted() public {
        Permit2Payment memory payment = paymentOf(address(consumer), 20e6, 7);
        vm.prank(owner);
        oracle.setTokenAccepted(address(token), false);
        vm.expectRevert(abi.encodeWithSelector(IFeeVault.TokenNotAccepted.selector, address(token)));
        oracle.depositTokenWithPermit2(address(consumer), payment);
    }

    function test_RevertWhen_APermit2TokenKeepsAFee() public {
        FeeOnTransferToken taking = new FeeOnTransferToken();
        vm.prank(owner);
        oracle.listToken(address(taking));
        taking.mint(payer, 1000);
        vm.prank(payer);
        taking.approve(PERMIT2, 1000);
        Permit2Payment memory payment = paymentIn(address(taking), address(consumer), 1000, 7);
        vm.expectRevert(abi.encodeWithSelector(IFeeVault.TokenAmountMismatch.selector, address(taking), 1000, 990));
        oracle.depositTokenWithPermit2(address(consumer), payment);
    }

    function test_DepositTokenWithPermit2_CannotBeReentered() public {
        CallingToken calling = new CallingToken();
        vm.prank(owner);
        oracle.listToken(address(calling));
        calling.mint(payer, 20e6);
        vm.prank(payer);
        calling.approve(PERMIT2, type(uint256).max);
        calling.callDuringTransfer(
            address(oracle), abi.encodeCall(oracle.depositToken, (address(calling), address(this), 0))
        );
        Permit2Payment memory payment = paymentIn(address(calling), address(consumer), 20e6, 7);
        oracle.depositTokenWithPermit2(address(consumer), payment);
        assertFalse(calling.innerSucceeded());
        assertEq(bytes4(calling.innerReturn()), ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        assertEq(oracle.creditOf(address(consumer), address(calling)), 20e6);
    }

    function test_RevertGiven_TheChainHasNoPermit2() public {
        Permit2Payment memory payment = paymentOf(address(consumer), 20e6, 7);
        vm.etch(PERMIT2, "");
        vm.expectRevert(abi.encodeWithSelector(IPermitPayments.Permit2Missing.selector, PERMIT2));
        oracle.depositTokenWithPermit2(address(consumer), payment);
    }

    function test_RevertWhen_TheNativeCoinIsPaidByPermit2() public {
        Permit2Payment memory payment = paymentIn(NATIVE, address(consumer), 1, 7);
        vm.expectRevert(abi.encodeWithSelector(IFeeVault.TokenNotListed.selector, NATIVE));
        oracle.depositTokenWithPermit2(address(consumer), payment);
    }

    function testFuzz_DepositTokenWithPermit2_MovesExactlyWhatWasSigned(uint96 amount, uint256 nonce, address account)
        public
    {
        amount = uint96(bound(amount, 0, BALANCE));
        oracle.depositTokenWithPermit2(account, paymentOf(account, amount, nonce));
        assertEq(oracle.creditOf(account, address(token)), amount);
        assertEq(token.balanceOf(address(oracle)), amount);
    }

    function test_Vectors_FeePayment() public {
        string memory json = vm.readFile("test/vectors/feePayment.json");
        uint256 read;
        for (; vm.keyExistsJson(json, string.concat(".cases[", vm.toString(read), "]")); ++read) {
            string memory at = string.concat(".cases[", vm.toString(read), "]");
            vm.chainId(vm.parseJsonUint(json, string.concat(at, ".chainId")));
            bytes32 digest = feePaymentDigest(
                IPermit2.PermitTransferFrom(
                    IPermit2.TokenPermissions(
                        vm.parseJsonAddress(json, string.concat(at, ".token")),
                        vm.parseJsonUint(json, string.concat(at, ".amount"))
                    ),
                    vm.parseJsonUint(json, string.concat(at, ".nonce")),
                    vm.parseJsonUint(json, string.concat(at, ".deadline"))
                ),
                vm.parseJsonAddress(json, string.concat(at, ".oracle")),
                vm.parseJsonAddress(json, string.concat(at, ".account"))
            );
            assertEq(digest, vm.parseJsonBytes32(json, string.concat(at, ".digest")));
        }
        assertGt(read, 0);
    }

    // Signing

    function tokenParams() private view returns (RequestParams memory p) {
        p = params();
        p.modelId = TOKEN_MODEL;
    }

    function permitOf(uint256 key, uint256 amount) private view returns (TokenPermit memory) {
        uint256 deadline = block.timestamp + 60;
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"),
                vm.addr(key),
                address(oracle),
                amount,
                token.nonces(vm.addr(key)),
                deadline
            )
        );
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(key, keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), structHash)));
        return TokenPermit(address(token), amount, deadline, v, r, s);
    }

    function paymentOf(address account, uint256 amount, uint256 nonce) private view returns (Permit2Payment memory) {
        return paymentIn(address(token), account, amount, nonce);
    }

    function paymentIn(address asset, address account, uint256 amount, uint256 nonce)
        private
        view
        returns (Permit2Payment memory)
    {
        uint256 deadline = block.timestamp + 60;
        IPermit2.PermitTransferFrom memory permit =
            IPermit2.PermitTransferFrom(IPermit2.TokenPermissions(asset, amount), nonce, deadline);
        bytes memory signature = signPermit2(payerKey, permit, address(oracle), account);
        return Permit2Payment(payer, asset, amount, nonce, deadline, signature);
    }
}
