// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IInferenceOracle} from "./interfaces/IInferenceOracle.sol";
import {IOperatorRegistry} from "./interfaces/IOperatorRegistry.sol";
import {BlockHashes} from "./libraries/BlockHashes.sol";
import {Draw, Sortition} from "./libraries/Sortition.sol";
import {Enrolment} from "./types/Enrolment.sol";
import {Proposal} from "./types/Proposal.sol";
import {Request} from "./types/Request.sol";
import {RequestReport, StatusReason} from "./types/RequestReport.sol";
import {RequestStatus} from "./types/RequestStatus.sol";

/// @title RequestLens
/// @notice Says why a request is where it is, and who may answer it.
/// @dev Views only, beside the oracle so that what settles needs no room for them. It holds no rights and no state: anybody
/// may deploy another one.
contract RequestLens {
    using Sortition for Draw;

    /// @notice The oracle that it looks at.
    IInferenceOracle public immutable oracle;
    /// @notice The oracle's operators.
    IOperatorRegistry public immutable operators;

    constructor(IInferenceOracle oracle_, IOperatorRegistry operators_) {
        oracle = oracle_;
        operators = operators_;
    }

    /// @notice A request's status with its reason. Of a proposed output it cannot say when its window ends: see the other
    /// `statusOf`.
    function statusOf(Request calldata request) public view returns (RequestReport memory report) {
        report.requestId = request.idOf();
        report.status = oracle.status(report.requestId);
        if (report.status == RequestStatus.Open) {
            _explainOpen(request, report);
        } else if (report.status == RequestStatus.Proposed) {
            report.reason = StatusReason.InChallengeWindow;
        } else if (report.status == RequestStatus.Challenged) {
            report.reason = StatusReason.UnderChallenge;
        } else if (report.status == RequestStatus.Settled) {
            report.reason = StatusReason.Final;
        } else if (report.status == RequestStatus.CallbackFailed) {
            report.reason = StatusReason.CallbackFailed;
        }
    }

    /// @notice As `statusOf(request)`, and for a proposed output also when its window ends, or that it has.
    /// @param proposal As `OutputProposed` logged it; one that is not the request's is believed all the same.
    function statusOf(Request calldata request, Proposal calldata proposal)
        external
        view
        returns (RequestReport memory report)
    {
        report = statusOf(request);
        if (report.status != RequestStatus.Proposed) return report;
        uint256 endsAt = uint256(proposal.proposedAt) + request.opening.challengeWindow();
        if (block.timestamp > endsAt) report.reason = StatusReason.AwaitingFinalization;
        else report.until = endsAt;
    }

    /// @notice Which of these operators may sign for an open request now. Later rounds draw more.
    function drawn(Request calldata request, uint32[] calldata operatorIds)
        external
        view
        returns (bool[] memory among)
    {
        among = new bool[](operatorIds.length);
        bytes32 blockHash = BlockHashes.find(request.opening.openedBlock());
        if (blockHash == 0) return among;
        Draw memory draw = Sortition.drawOf(request, request.idOf(), blockHash, block.timestamp);
        for (uint256 i = 0; i < operatorIds.length; ++i) {
            Enrolment seat = operators.enrolmentOf(request.modelId, operatorIds[i]);
            among[i] = seat.exists() && seat.activeFrom() <= request.opening.openedAt()
                && draw.includes(operatorIds[i], seat.weight());
        }
    }

    function _explainOpen(Request calldata request, RequestReport memory report) private view {
        if (block.timestamp > request.terms.deadline()) {
            report.reason = StatusReason.DeadlinePassed;
            return;
        }
        report.until = request.terms.deadline();
        bytes32 blockHash = BlockHashes.find(request.opening.openedBlock());
        if (blockHash == 0) {
            bool isNew = request.opening.openedBlock() >= block.number;
            report.reason = isNew ? StatusReason.AwaitingNextBlock : StatusReason.DrawLost;
            return;
        }
        report.reason = StatusReason.AwaitingAttestations;
        Draw memory draw = Sortition.drawOf(request, report.requestId, blockHash, block.timestamp);
        report.round = draw.round;
        report.drawnBps = draw.demandBps;
    }
}
