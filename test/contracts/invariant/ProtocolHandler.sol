// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {CallingToken, FeeOnTransferToken} from "../support/TestTokens.sol";
import {ChallengeActions} from "./ChallengeActions.sol";
import {ProtocolWorld} from "./ProtocolWorld.sol";
import {RequestActions} from "./RequestActions.sol";
import {IFeeVault} from "@sibyl/contracts/interfaces/IFeeVault.sol";

/// @notice All that happens to the protocol in the invariant suite; here what concerns money and operators.
contract ProtocolHandler is ChallengeActions {
    FeeOnTransferToken public immutable takingToken;
    CallingToken public immutable callingToken;

    constructor(Cast memory cast, FeeOnTransferToken takingToken_, CallingToken callingToken_) ProtocolWorld(cast) {
        takingToken = takingToken_;
        callingToken = callingToken_;
    }

    // Money

    function deposit(uint256 seed, uint96 amount) external {
        ++calls;
        address account = address(consumers[seed % 2]);
        vm.deal(address(this), amount);
        oracle.deposit{value: amount}(account);
        token.mint(address(this), amount);
        token.approve(address(oracle), amount);
        oracle.depositToken(address(token), account, amount);
        ++count["deposits"];
    }

    /// @dev A token that takes a fee is refused; one that calls back gets its own second deposit refused, and counts once.
    function depositHostile(uint256 seed, uint96 amount) external {
        ++calls;
        address account = address(consumers[seed % 2]);
        uint256 value = bound(amount, 100, type(uint96).max);
        takingToken.mint(address(this), value);
        takingToken.approve(address(oracle), value);
        try oracle.depositToken(address(takingToken), account, value) {
            revert ANonsenseWasTaken("a token's own fee was credited");
        } catch {}
        callingToken.mint(address(this), value);
        callingToken.approve(address(oracle), value);
        callingToken.callDuringTransfer(
            address(oracle), abi.encodeCall(IFeeVault.depositToken, (address(callingToken), account, value))
        );
        oracle.depositToken(address(callingToken), account, value);
        if (callingToken.innerSucceeded()) revert ANonsenseWasTaken("a deposit inside of a deposit");
        ++count["hostile deposits"];
    }

    function withdrawCredit(uint256 seed, uint256 amount) external {
        ++calls;
        address account = seed & 4 == 0 ? challenger : address(consumers[seed % 2]);
        address asset = seed & 2 == 0 ? NATIVE : seed & 8 == 0 ? address(token) : address(callingToken);
        amount = bound(amount, 0, oracle.creditOf(account, asset));
        vm.prank(account);
        oracle.withdrawCredit(asset, OUTSIDE, amount);
        ++count["withdrawals of credit"];
    }

    function withdrawShares(uint256 seed) external {
        ++calls;
        address asset = seed & 1 == 0 ? NATIVE : address(token);
        uint32 operatorId = _operator(seed >> 8);
        vm.prank(_owners[operatorId]);
        oracle.withdrawEarnings(operatorId, asset, OUTSIDE);
        bytes32 modelId = modelIds[(seed >> 16) % 2];
        vm.prank(publisher);
        oracle.withdrawRoyalties(modelId, asset, OUTSIDE);
        vm.prank(oracle.owner());
        oracle.withdrawProtocolShare(modelId, asset, OUTSIDE);
        if (operators.rewardsOf(challenger) != 0) {
            vm.prank(challenger);
            operators.withdrawRewards(OUTSIDE);
        }
        ++count["withdrawals of shares"];
    }

    function setPrice(uint256 seed, uint96 price, uint96 pricePerKiB, uint16 royaltyBps) external {
        ++calls;
        uint256 which = seed % 2;
        vm.prank(publisher);
        models.setPrice(
            modelIds[which],
            uint8(which),
            uint96(bound(price, 0, 1e24)),
            uint96(bound(pricePerKiB, 0, 1e24)),
            uint16(bound(royaltyBps, 0, 5000))
        );
    }

    // Operators

    /// @dev Never so much that it may not sit any more.
    function moveStake(uint256 seed, uint256 amount) external {
        ++calls;
        uint32 operatorId = _operator(seed);
        address operatorOwner = _owners[operatorId];
        amount = bound(amount, 1, 3 ether);
        vm.deal(operatorOwner, operatorOwner.balance + amount);
        vm.startPrank(operatorOwner);
        operators.addStake{value: amount}(operatorId);
        operators.beginUnbonding(amount);
        (, uint256 releasedAt) = operators.unbondingOf(operatorId);
        try operators.withdrawUnbonded(OUTSIDE) {
            revert ANonsenseWasTaken("stake left before its time");
        } catch {}
        if (seed % 8 == 0) {
            vm.warp(releasedAt);
            operators.withdrawUnbonded(OUTSIDE);
            ++count["withdrawals of stake"];
        }
        vm.stopPrank();
        ++count["moves of stake"];
    }

    function unenroll(uint256 seed) external {
        ++calls;
        uint32 operatorId = _operator(seed);
        bytes32 modelId = modelIds[(seed >> 8) % 2];
        if (!operators.enrolmentOf(modelId, operatorId).exists()) return;
        vm.prank(_owners[operatorId]);
        operators.unenroll(modelId);
    }

    function _operator(uint256 seed) private view returns (uint32) {
        return uint32(seed % operatorCount() + 1);
    }

    /// @inheritdoc RequestActions
    function _seatEverybody() internal override {
        bool changed;
        for (uint32 id = 1; id <= operatorCount(); ++id) {
            bool missing =
                !operators.enrolmentOf(modelIds[0], id).exists() || !operators.enrolmentOf(modelIds[1], id).exists();
            if (!missing) continue;
            uint256 jailedUntil = operators.jailedUntil(id);
            if (vm.getBlockTimestamp() < jailedUntil) vm.warp(jailedUntil);
            vm.deal(_owners[id], 1 ether);
            vm.startPrank(_owners[id]);
            if (operators.stakeOf(id) < 1 ether) operators.addStake{value: 1 ether}(id);
            for (uint256 m = 0; m < 2; ++m) {
                if (!operators.enrolmentOf(modelIds[m], id).exists()) operators.enroll(modelIds[m]);
            }
            vm.stopPrank();
            changed = true;
        }
        if (changed) skip(operators.parameters().activationSeconds);
    }
}
