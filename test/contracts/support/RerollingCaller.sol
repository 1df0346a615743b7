// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IInferenceOracle} from "@sibyl/contracts/interfaces/IInferenceOracle.sol";
import {Sortition} from "@sibyl/contracts/libraries/Sortition.sol";
import {RequestParams} from "@sibyl/contracts/types/RequestParams.sol";

/// @notice A caller that wants its favourite operator drawn: it asks, looks at the draw as well as it can from inside the
/// transaction, and reverts and asks otherwise until it likes what it sees.
contract RerollingCaller {
    error NotLiked(uint256 attempt);

    uint256 private constant ATTEMPTS = 16;

    IInferenceOracle private immutable _oracle;
    uint32 private immutable _favourite;

    /// @notice Attempts that were taken back.
    uint256 public rejected;

    constructor(IInferenceOracle oracle_, uint32 favourite_) {
        _oracle = oracle_;
        _favourite = favourite_;
    }

    receive() external payable {}

    /// @param demandBps What the caller knows of the draw beforehand, as everybody does.
    function askUntilLiked(RequestParams memory params, uint256 cost, uint256 demandBps, uint256 totalWeight)
        external
        returns (bytes32 requestId)
    {
        for (uint256 attempt = 0; attempt < ATTEMPTS; ++attempt) {
            params.input = abi.encode(attempt);
            try this.askAndLook(params, cost, demandBps, totalWeight, attempt) returns (bytes32 liked) {
                return liked;
            } catch {
                ++rejected;
            }
        }
        return _oracle.request{value: cost}(params);
    }

    function askAndLook(
        RequestParams calldata params,
        uint256 cost,
        uint256 demandBps,
        uint256 totalWeight,
        uint256 attempt
    ) external returns (bytes32 requestId) {
        requestId = _oracle.request{value: cost}(params);
        // This block has no hash yet; the best guess is the one before.
        bytes32 hash = blockhash(block.number) != 0 ? blockhash(block.number) : blockhash(block.number - 1);
        uint128 ticket = Sortition.ticket(Sortition.seed(requestId, hash), _favourite);
        if (!Sortition.isDrawn(ticket, 1e6, totalWeight, demandBps)) revert NotLiked(attempt);
    }
}
