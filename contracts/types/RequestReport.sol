// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {RequestStatus} from "./RequestStatus.sol";

/// @notice Why a request stands where it stands, and what it waits for.
/// @dev `NotOpen`: never opened, or expired and refunded. `AwaitingNextBlock`: the draw needs the hash of the request's
/// block. `AwaitingAttestations`: no quorum of drawn operators has settled it. `DrawLost`: the chain no longer tells that
/// hash, so it can only expire. `DeadlinePassed`: anybody may expire it. `InChallengeWindow`: an output is proposed and may
/// be challenged. `AwaitingFinalization`: nobody challenged it in time, and anybody may finalize it. `UnderChallenge`: its
/// arbiter decides. `Final`: answered and delivered. `CallbackFailed`: answered, and anybody may redeliver.
enum StatusReason {
    NotOpen,
    AwaitingNextBlock,
    AwaitingAttestations,
    DrawLost,
    DeadlinePassed,
    InChallengeWindow,
    AwaitingFinalization,
    UnderChallenge,
    Final,
    CallbackFailed
}

/// @notice A request's status with its reason.
/// @param requestId `keccak256(abi.encode(request))`.
/// @param status As the oracle keeps it.
/// @param reason What it waits for.
/// @param until Unix seconds at which that changes by itself, the deadline or the window's end; 0 if no time does.
/// @param round How often the draw has doubled; 0 unless the request awaits attestations.
/// @param drawnBps Expected number of drawn operators by now, in basis points; 0 unless it awaits attestations.
struct RequestReport {
    bytes32 requestId;
    RequestStatus status;
    StatusReason reason;
    uint256 until;
    uint256 round;
    uint256 drawnBps;
}
