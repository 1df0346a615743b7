// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ECDSA} from "solady/utils/ECDSA.sol";
import {EfficientHashLib} from "solady/utils/EfficientHashLib.sol";

/// @notice What operators sign, and who signed
/// @dev `sdk` computes the same hashes; `test/vectors/attestation.json` holds both to it.
library Attestations {
    bytes32 internal constant TYPEHASH = keccak256("Attestation(bytes32 requestHash,bytes32 outputHash,uint32 view)");

    /// @dev Half the order of secp256k1: of the two values of s that sign one message, only the lower one counts.
    uint256 private constant HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");

    /// @notice The EIP-712 domain separator of an oracle on this chain.
    function domainSeparator(address oracle) internal view returns (bytes32) {
        return keccak256(abi.encode(DOMAIN_TYPEHASH, keccak256("Sibyl"), keccak256("1"), block.chainid, oracle));
    }

    /// @notice What is signed: domain and message in one hash.
    function digest(bytes32 separator, bytes32 structHash_) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", separator, structHash_));
    }

    /// @notice EIP-712 struct hash of an attestation.
    function structHash(bytes32 requestHash, bytes32 outputHash, uint32 viewNumber) internal pure returns (bytes32) {
        return EfficientHashLib.hash(TYPEHASH, requestHash, outputHash, bytes32(uint256(viewNumber)));
    }

    /// @notice The signer of `digest_`; the zero address when the signature is no signature or has a high s.
    /// @param r ECDSA r.
    /// @param vs ECDSA s with the parity in the highest bit (EIP-2098).
    function recover(bytes32 digest_, bytes32 r, bytes32 vs) internal view returns (address) {
        uint256 s = uint256(vs) & type(uint256).max >> 1;
        if (s > HALF_ORDER) return address(0);
        return ECDSA.tryRecover(digest_, r, vs);
    }
}
