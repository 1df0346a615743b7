// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice What a request escrows.
/// @dev From the most significant bit: fee (96, token units), gasReserve (96, wei), maxGasPrice (64, wei).
type RequestFunds is uint256;

using RequestFundsLib for RequestFunds global;

/// @notice Packs and reads what a request escrows.
library RequestFundsLib {
    function pack(uint96 fee_, uint96 gasReserve_, uint64 maxGasPrice_) internal pure returns (RequestFunds) {
        return RequestFunds.wrap(uint256(fee_) << 160 | uint256(gasReserve_) << 64 | uint256(maxGasPrice_));
    }

    /// @dev The same funds with `gas` more in the reserve, at the request's own price. The caller sees to it that 96 bits hold
    /// both: less than 2^32 gas in all.
    function withReserve(RequestFunds funds, uint256 gas) internal pure returns (RequestFunds) {
        // Unchecked: see above.
        unchecked {
            return RequestFunds.wrap(RequestFunds.unwrap(funds) + (gas * funds.maxGasPrice() << 64));
        }
    }

    function fee(RequestFunds funds) internal pure returns (uint96) {
        return uint96(RequestFunds.unwrap(funds) >> 160);
    }

    function gasReserve(RequestFunds funds) internal pure returns (uint96) {
        return uint96(RequestFunds.unwrap(funds) >> 64);
    }

    function maxGasPrice(RequestFunds funds) internal pure returns (uint64) {
        return uint64(RequestFunds.unwrap(funds));
    }
}
