// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {CommonBase} from "forge-std/Base.sol";
import {StdCheats} from "forge-std/StdCheats.sol";
import {StdUtils} from "forge-std/StdUtils.sol";

import {HostileConsumer} from "../support/HostileConsumer.sol";
import {PlainToken} from "../support/TestTokens.sol";
import {InferenceOracle} from "@sibyl/contracts/InferenceOracle.sol";
import {ModelRegistry} from "@sibyl/contracts/ModelRegistry.sol";
import {OperatorRegistry} from "@sibyl/contracts/OperatorRegistry.sol";
import {JuryArbiter} from "@sibyl/contracts/arbiter/JuryArbiter.sol";
import {Attestations} from "@sibyl/contracts/libraries/Attestations.sol";
import {Attestation} from "@sibyl/contracts/types/Attestation.sol";
import {Dispute} from "@sibyl/contracts/types/Dispute.sol";
import {Enrolment} from "@sibyl/contracts/types/Enrolment.sol";
import {Proposal} from "@sibyl/contracts/types/Proposal.sol";
import {Request} from "@sibyl/contracts/types/Request.sol";

/// @notice What the invariant suite has to work with, and what it remembers of the requests it made.
/// @dev Time and blocks are read through cheatcodes and calls: within one call the optimizer takes `block.number` for
/// constant, and may move `blockhash` before what changes it.
abstract contract ProtocolWorld is CommonBase, StdCheats, StdUtils {
    /// @dev Where a request is, as far as the suite knows.
    enum Stage {
        Open,
        Proposed,
        Challenged,
        CallbackFailed,
        Over
    }

    struct Tracked {
        Request request;
        bytes32 id;
        Proposal proposal;
        Dispute dispute;
        bytes output;
        Stage stage;
        uint256 place;
    }

    /// @dev Contracts and accounts that the suite works with. `keys` and `owners` by operator id; index 0 is nobody.
    struct Cast {
        InferenceOracle oracle;
        JuryArbiter arbiter;
        PlainToken token;
        HostileConsumer[2] consumers;
        bytes32[2] modelIds;
        address publisher;
        address challenger;
        uint256[] keys;
        address[] owners;
    }

    address internal constant NATIVE = address(0);
    address internal constant OUTSIDE = address(0xcafe);

    InferenceOracle public immutable oracle;
    JuryArbiter public immutable arbiter;
    OperatorRegistry public immutable operators;
    ModelRegistry public immutable models;
    PlainToken public immutable token;
    address public immutable publisher;
    address public immutable challenger;

    HostileConsumer[2] public consumers;
    bytes32[2] public modelIds;
    uint256[] internal _keys;
    address[] internal _owners;

    Tracked[] internal _tracked;
    mapping(Stage => uint256[]) internal _at;

    /// @notice What requests under way escrow, by their own words.
    mapping(address asset => uint256) public escrow;
    mapping(bytes32 requestId => uint256) public timesSettled;
    mapping(bytes32 requestId => uint256) public timesRefunded;

    /// @notice How often each thing happened; `afterInvariant` wants to see all of them.
    mapping(string what => uint256) public count;
    uint256 public calls;

    /// @notice What an operator had at stake when it last signed, and when, and what was taken from it since.
    mapping(uint32 operatorId => uint256) public obligationWei;
    mapping(uint32 operatorId => uint256) public signedAt;
    mapping(uint32 operatorId => uint256) public takenSince;

    error ANonsenseWasTaken(string what);

    constructor(Cast memory cast) {
        oracle = cast.oracle;
        arbiter = cast.arbiter;
        operators = OperatorRegistry(address(cast.oracle.operators()));
        models = ModelRegistry(address(cast.oracle.models()));
        token = cast.token;
        publisher = cast.publisher;
        challenger = cast.challenger;
        consumers = cast.consumers;
        modelIds = cast.modelIds;
        _keys = cast.keys;
        _owners = cast.owners;
    }

    // Views for the suite

    function trackedCount() external view returns (uint256) {
        return _tracked.length;
    }

    function tracked(uint256 index) external view returns (bytes32 id, Stage stage, bytes memory output) {
        return (_tracked[index].id, _tracked[index].stage, _tracked[index].output);
    }

    function countAt(Stage stage) external view returns (uint256) {
        return _at[stage].length;
    }

    function operatorCount() public view returns (uint256) {
        return _keys.length - 1;
    }

    function ownerOf(uint32 operatorId) external view returns (address) {
        return _owners[operatorId];
    }

    /// @dev In a call of its own, so that no optimizer moves it.
    function hashOfBlock(uint256 number) external view returns (bytes32) {
        return blockhash(number);
    }

    // Stages

    function _track(Request memory request) internal {
        Tracked storage item = _tracked.push();
        item.request = request;
        item.id = request.id();
        item.place = _at[Stage.Open].length;
        _at[Stage.Open].push(_tracked.length - 1);
        escrow[NATIVE] += request.funds.gasReserve();
        escrow[_assetOf(request)] += request.funds.fee();
    }

    function _move(uint256 index, Stage to) internal {
        Tracked storage item = _tracked[index];
        uint256[] storage from = _at[item.stage];
        uint256 last = from[from.length - 1];
        from[item.place] = last;
        _tracked[last].place = item.place;
        from.pop();
        item.stage = to;
        item.place = _at[to].length;
        _at[to].push(index);
    }

    /// @dev Nothing is escrowed for it any more.
    function _release(Request memory request) internal {
        escrow[NATIVE] -= request.funds.gasReserve();
        escrow[_assetOf(request)] -= request.funds.fee();
    }

    function _assetOf(Request memory request) internal view returns (address) {
        return request.opening.tokenIndex() == 0 ? NATIVE : address(token);
    }

    // Drawing and signing

    /// @dev `ticket / 2^128 < committee * overdraw * 2^round * weight / totalWeight`, from the design and not from the library
    /// that the contracts use.
    function _isDrawn(Request memory request, bytes32 seedOf, uint256 drawnBlock, uint256 since, uint32 operatorId)
        internal
        view
        returns (bool)
    {
        uint256 round = (vm.getBlockTimestamp() - since) / request.opening.roundSeconds();
        if (round > 32) round = 32;
        uint256 size = seedOf == request.id() ? request.terms.committeeSize() : 2 * request.terms.committeeSize() + 1;
        bytes32 seed = keccak256(abi.encode(seedOf, this.hashOfBlock(drawnBlock)));
        uint256 ticket = uint128(uint256(keccak256(abi.encode(seed, uint256(operatorId)))));
        uint256 weight = operators.enrolmentOf(request.modelId, operatorId).weight();
        uint256 demand = (size * request.opening.overdrawBps() << round) * weight;
        return ticket * request.opening.totalWeight() * 10_000 < demand << 128;
    }

    function _maySign(Request memory request, bytes32 seedOf, uint256 drawnBlock, uint256 since, uint32 operatorId)
        internal
        view
        returns (bool)
    {
        Enrolment seat = operators.enrolmentOf(request.modelId, operatorId);
        if (!seat.exists() || seat.activeFrom() > request.opening.openedAt()) return false;
        return _isDrawn(request, seedOf, drawnBlock, since, operatorId);
    }

    function _sign(uint32 operatorId, bytes32 requestHash, bytes memory output)
        internal
        view
        returns (Attestation memory)
    {
        bytes32 structHash = Attestations.structHash(requestHash, keccak256(output), 0);
        bytes32 digest = Attestations.digest(Attestations.domainSeparator(address(oracle)), structHash);
        (bytes32 r, bytes32 vs) = vm.signCompact(_keys[operatorId], digest);
        return Attestation(operatorId, r, vs);
    }

    function _noteObligation(Request memory request, uint32 operatorId) internal {
        Enrolment seat = operators.enrolmentOf(request.modelId, operatorId);
        obligationWei[operatorId] = seat.weight() * operators.WEI_PER_WEIGHT();
        signedAt[operatorId] = vm.getBlockTimestamp();
        takenSince[operatorId] = 0;
    }

    function _submitter(Attestation[] memory attestations, bool stranger) internal view returns (address) {
        return stranger ? address(0xbad) : vm.addr(_keys[attestations[0].operatorId]);
    }

    function _moodOf(uint256 seed) internal {
        consumers[0].behave(HostileConsumer.Mood(seed % 4));
    }
}
