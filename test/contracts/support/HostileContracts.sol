// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {PlainToken} from "./TestTokens.sol";
import {IInferenceCallback} from "@sibyl/contracts/interfaces/IInferenceCallback.sol";
import {IInferenceOracle} from "@sibyl/contracts/interfaces/IInferenceOracle.sol";
import {RequestParams} from "@sibyl/contracts/types/RequestParams.sol";

/// @notice Asks, and returns a megabyte from every call.
contract MegabyteConsumer is IInferenceCallback {
    uint256 public calls;

    function ask(IInferenceOracle oracle, RequestParams calldata params) external payable returns (bytes32) {
        return oracle.request{value: msg.value}(params);
    }

    function onInference(bytes32, bytes calldata) external {
        _returnMegabyte();
    }

    function onExpired(bytes32, uint256, uint256) external {
        _returnMegabyte();
    }

    function _returnMegabyte() private {
        ++calls;
        assembly {
            return(0, 1048576)
        }
    }
}

/// @notice Asks, and destroys itself when it is answered. In the transaction that created it, its code goes for good.
contract VanishingConsumer is IInferenceCallback {
    function ask(IInferenceOracle oracle, RequestParams calldata params) external payable returns (bytes32) {
        return oracle.request{value: msg.value}(params);
    }

    function onInference(bytes32, bytes calldata) external {
        _vanish();
    }

    function onExpired(bytes32, uint256, uint256) external {
        _vanish();
    }

    function _vanish() private {
        assembly {
            selfdestruct(0xdead)
        }
    }
}

/// @notice Moves what it is told to, and says that it did not.
contract DenyingToken is PlainToken {
    bool public denies;

    function deny(bool denies_) external {
        denies = denies_;
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        super.transfer(to, amount);
        return !denies;
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        super.transferFrom(from, to, amount);
        return !denies;
    }
}

/// @notice Returns nothing from its transfers, as some old tokens do.
contract SilentToken is PlainToken {
    function transfer(address to, uint256 amount) public override returns (bool) {
        super.transfer(to, amount);
        assembly {
            return(0, 0)
        }
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        super.transferFrom(from, to, amount);
        assembly {
            return(0, 0)
        }
    }
}

/// @notice Can be told to refuse all transfers.
contract FrozenToken is PlainToken {
    error Frozen();

    bool public frozen;

    function freeze(bool frozen_) external {
        frozen = frozen_;
    }

    function _update(address from, address to, uint256 value) internal override {
        if (frozen) revert Frozen();
        super._update(from, to, value);
    }
}

/// @notice Tells whoever `favours` names that it has more than it has.
contract LyingBalanceToken is PlainToken {
    address private _favoured;
    uint256 private _extra;

    function favour(address account, uint256 extra) external {
        (_favoured, _extra) = (account, extra);
    }

    function balanceOf(address account) public view override returns (uint256) {
        return super.balanceOf(account) + (account == _favoured ? _extra : 0);
    }
}

/// @notice Calls back while it pays out, as an ERC-777 does to its receiver.
contract CallingOutToken is PlainToken {
    address private _target;
    bytes private _payload;
    bool public innerSucceeded;
    bytes public innerReturn;

    function callDuringTransfer(address target, bytes calldata payload) external {
        (_target, _payload) = (target, payload);
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        if (_target != address(0)) {
            address target = _target;
            _target = address(0);
            (innerSucceeded, innerReturn) = target.call(_payload);
        }
        return super.transfer(to, amount);
    }
}
