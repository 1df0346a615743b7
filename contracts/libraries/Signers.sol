// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice The word that names who signed: eight operator ids of 32 bits, the first one highest, empty places zero.
library Signers {
    /// @notice Most ids that the word has room for.
    uint8 internal constant MOST = 8;

    /// @notice The word with an id less: `first` is gone, the next one is highest.
    function rest(uint256 signers) internal pure returns (uint256) {
        return signers << 32;
    }

    /// @notice The highest id; 0 when there is none.
    function first(uint256 signers) internal pure returns (uint32) {
        return uint32(signers >> 224);
    }

    /// @notice How many ids there are before the first empty place.
    function count(uint256 signers) internal pure returns (uint256 number) {
        for (; first(signers) != 0; signers = rest(signers)) {
            ++number;
        }
    }

    /// @notice Whether `operatorId` is one of them. Nobody is 0.
    function includes(uint256 signers, uint32 operatorId) internal pure returns (bool) {
        if (operatorId == 0) return false;
        for (; signers != 0; signers = rest(signers)) {
            if (first(signers) == operatorId) return true;
        }
        return false;
    }
}
