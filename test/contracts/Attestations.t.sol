// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";

import {Attestations} from "@sibyl/contracts/libraries/Attestations.sol";

/// recover
/// ├── when s is at most half the order: it should name the signer
/// ├── when s is above: it should name nobody, though the curve would name somebody
/// └── when it is no signature: it should name nobody
contract AttestationsTest is Test {
    uint256 private constant ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
    bytes32 private constant PARITY = bytes32(uint256(1) << 255);

    function testFuzz_Recover_NamesTheSigner(uint256 key, bytes32 digest) public view {
        key = bound(key, 1, ORDER - 1);
        (bytes32 r, bytes32 vs) = vm.signCompact(key, digest);
        assertEq(Attestations.recover(digest, r, vs), vm.addr(key));
        assertNotEq(Attestations.recover(digest, r, vs ^ PARITY), vm.addr(key));
        assertNotEq(Attestations.recover(digest ^ bytes32(uint256(1)), r, vs), vm.addr(key));
    }

    /// @dev Of the values that a compact signature has room for, hardly any is above half the order: here they are.
    function test_Recover_TakesHalfTheOrderAndNoMore() public view {
        bytes32 digest = keccak256("a digest");
        (bytes32 r,) = vm.signCompact(1, digest);
        for (uint256 more = 0; more < 4; ++more) {
            bytes32 vs = bytes32(ORDER / 2 + more);
            address named = ecrecover(digest, 27, r, vs);
            assertNotEq(named, address(0));
            assertEq(Attestations.recover(digest, r, vs), more == 0 ? named : address(0));
            address other = ecrecover(digest, 28, r, vs);
            assertEq(Attestations.recover(digest, r, vs | PARITY), more == 0 ? other : address(0));
        }
        assertEq(Attestations.recover(digest, r, bytes32(type(uint256).max >> 1)), address(0));
    }

    function test_Recover_NamesNobodyForNoSignature() public view {
        bytes32 digest = keccak256("a digest");
        (bytes32 r,) = vm.signCompact(1, digest);
        assertEq(Attestations.recover(digest, r, 0), address(0));
        assertEq(Attestations.recover(digest, 0, bytes32(uint256(1))), address(0));
        assertEq(Attestations.recover(digest, bytes32(ORDER), bytes32(uint256(1))), address(0));
    }
}
