// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice Daily closing prices, and what a risk model wants to know of them
/// @dev Whoever may record prices is trusted with them: in earnest that is a price oracle, and never a borrower.
contract PriceHistory {
    /// @notice A day closed.
    event PriceRecorded(uint256 indexed day, uint256 closeWad);

    error OnlyReporter(address caller);
    error PriceIsZero();
    error TooFewDays(uint256 recorded, uint256 needed);

    /// @notice Days that `features` looks back on.
    uint256 public constant DAYS = 60;

    /// @notice Who records prices.
    address public immutable reporter;

    /// @notice Closing prices, oldest first, in dollars with 18 decimals.
    uint256[] public closesWad;

    constructor(address reporter_) {
        reporter = reporter_;
    }

    /// @notice Records closing prices, one day after the other.
    function record(uint256[] calldata newClosesWad) external {
        if (msg.sender != reporter) revert OnlyReporter(msg.sender);
        for (uint256 i = 0; i < newClosesWad.length; ++i) {
            if (newClosesWad[i] == 0) revert PriceIsZero();
            emit PriceRecorded(closesWad.length, newClosesWad[i]);
            closesWad.push(newClosesWad[i]);
        }
    }

    /// @notice How many days are recorded.
    function recordedDays() external view returns (uint256) {
        return closesWad.length;
    }

    /// @notice The latest close, in dollars with 18 decimals.
    function priceWad() external view returns (uint256) {
        if (closesWad.length == 0) revert TooFewDays(0, 1);
        return closesWad[closesWad.length - 1];
    }

    /// @notice The input of the model `drawdown`: mean size of a day's move over 5, 20 and 60 days, return over 20 days,
    /// distance below the 60-day high; fractions with 18 decimals.
    function features() external view returns (int256[] memory values) {
        uint256 recorded = closesWad.length;
        if (recorded < DAYS + 1) revert TooFewDays(recorded, DAYS + 1);
        values = new int256[](5);
        uint256 latest = closesWad[recorded - 1];
        uint256 high = latest;
        uint256 moves;
        uint256 later = latest;
        for (uint256 back = 1; back <= DAYS; ++back) {
            uint256 close = closesWad[recorded - 1 - back];
            moves += (later > close ? later - close : close - later) * 1e18 / close;
            if (close > high) high = close;
            if (back == 5) values[0] = int256(moves / 5);
            if (back == 20) {
                values[1] = int256(moves / 20);
                values[3] = int256(latest * 1e18 / close) - 1e18;
            }
            later = close;
        }
        values[2] = int256(moves / DAYS);
        values[4] = int256(1e18 - latest * 1e18 / high);
    }
}
