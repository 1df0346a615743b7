// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC20} from "solady/tokens/ERC20.sol";

/// @notice The dollars of the example: made when they are lent, gone when they are paid back
contract DemoDollar is ERC20 {
    error OnlyLender(address caller);
    error LenderIsSet(address lender);

    /// @notice Who makes and burns dollars; set once.
    address public lender;

    modifier onlyLender() {
        if (msg.sender != lender) revert OnlyLender(msg.sender);
        _;
    }

    /// @notice Names the lender, which cannot be done twice.
    function setLender(address lender_) external {
        if (lender != address(0)) revert LenderIsSet(lender);
        lender = lender_;
    }

    /// @notice Makes dollars, 18 decimals.
    function mint(address to, uint256 amount) external onlyLender {
        _mint(to, amount);
    }

    /// @notice Destroys dollars, 18 decimals; the lender is trusted to take only what its caller agreed to.
    function burn(address from, uint256 amount) external onlyLender {
        _burn(from, amount);
    }

    /// @inheritdoc ERC20
    function name() public pure override returns (string memory) {
        return "Demo Dollar";
    }

    /// @inheritdoc ERC20
    function symbol() public pure override returns (string memory) {
        return "DEMO";
    }
}
