// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @notice A token as it should be.
contract PlainToken is ERC20("Plain", "PLN") {
    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}

/// @notice Keeps one percent of each transfer.
contract FeeOnTransferToken is ERC20("Fee", "FEE") {
    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function _update(address from, address to, uint256 value) internal override {
        if (from == address(0)) return super._update(from, to, value);
        super._update(from, address(0xdead), value / 100);
        super._update(from, to, value - value / 100);
    }
}

/// @notice Says that it transferred, and did not.
contract LyingToken is PlainToken {
    function transferFrom(address, address, uint256) public pure override returns (bool) {
        return true;
    }
}

/// @notice Calls somebody in the middle of a transfer, as an ERC-777 does.
contract CallingToken is PlainToken {
    address private _target;
    bytes private _payload;
    bool public innerSucceeded;
    bytes public innerReturn;

    function callDuringTransfer(address target, bytes calldata payload) external {
        (_target, _payload) = (target, payload);
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        if (_target != address(0)) {
            address target = _target;
            _target = address(0);
            (innerSucceeded, innerReturn) = target.call(_payload);
        }
        return super.transferFrom(from, to, amount);
    }
}
