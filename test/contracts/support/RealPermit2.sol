// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {CommonBase} from "forge-std/Base.sol";

import {IPermit2} from "@sibyl/contracts/interfaces/IPermit2.sol";

/// @notice Uniswap's own Permit2, put where every chain has it, and signatures for it.
abstract contract RealPermit2 is CommonBase {
    address internal constant PERMIT2 = 0x000000000022D473030F116dDEE9F6B43aC78BA3;

    /// @dev The published package that carries its bytecode.
    string private constant FACTORY =
        "node_modules/@uniswap/uniswapx-sdk/dist/cjs/src/contracts/factories/Permit2__factory.js";

    bytes32 private constant TRANSFER_TYPEHASH = keccak256(
        "PermitWitnessTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline,FeePayment witness)FeePayment(address account)TokenPermissions(address token,uint256 amount)"
    );

    function installPermit2() internal {
        string memory source = vm.readFile(FACTORY);
        bytes memory creation = vm.parseBytes(vm.split(vm.split(source, "_bytecode = \"")[1], "\"")[0]);
        // It remembers its domain for the chain that it is created on: created on another one, it works out that of the
        // address that it is put at.
        uint256 chainId = block.chainid;
        vm.chainId(chainId + 1);
        address created;
        assembly ("memory-safe") {
            created := create(0, add(creation, 0x20), mload(creation))
        }
        vm.chainId(chainId);
        require(created != address(0), "Permit2 could not be created");
        vm.etch(PERMIT2, created.code);
    }

    /// @notice The owner's Permit2 signature for `spender`, with the oracle's witness for `account`.
    function signPermit2(uint256 key, IPermit2.PermitTransferFrom memory permit, address spender, address account)
        internal
        view
        returns (bytes memory)
    {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, feePaymentDigest(permit, spender, account));
        return abi.encodePacked(r, s, v);
    }

    function feePaymentDigest(IPermit2.PermitTransferFrom memory permit, address spender, address account)
        internal
        view
        returns (bytes32)
    {
        bytes32 tokenPermissions = keccak256(
            abi.encode(
                keccak256("TokenPermissions(address token,uint256 amount)"),
                permit.permitted.token,
                permit.permitted.amount
            )
        );
        bytes32 witness = keccak256(abi.encode(keccak256("FeePayment(address account)"), account));
        bytes32 structHash =
            keccak256(abi.encode(TRANSFER_TYPEHASH, tokenPermissions, spender, permit.nonce, permit.deadline, witness));
        bytes32 separator = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,uint256 chainId,address verifyingContract)"),
                keccak256("Permit2"),
                block.chainid,
                PERMIT2
            )
        );
        return keccak256(abi.encodePacked(hex"1901", separator, structHash));
    }
}
