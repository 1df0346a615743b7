// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DeterminismProfile} from "../types/DeterminismProfile.sol";
import {Enrolment} from "../types/Enrolment.sol";
import {ModelTerms} from "../types/ModelTerms.sol";

/// @notice Models: who published them, where the manifest is, what a run costs
interface IModelRegistry {
    /// @notice A model was published.
    event ModelPublished(
        bytes32 indexed modelId,
        address indexed publisher,
        string manifestURI,
        ModelTerms terms,
        DeterminismProfile profile
    );
    /// @notice A model's price, royalty or status changed, for requests opened from now on.
    event ModelTermsChanged(bytes32 indexed modelId, ModelTerms terms);
    /// @notice A model's manifest is to be found elsewhere; its content is the same.
    event ManifestURIChanged(bytes32 indexed modelId, string manifestURI);

    /// @notice The zero id cannot be published.
    error ZeroModelId();
    error ModelAlreadyPublished(bytes32 modelId, address publisher);
    error ModelNotPublished(bytes32 modelId);
    error ModelIsRetired(bytes32 modelId);
    error NotPublisher(bytes32 modelId, address publisher, address caller);
    error RoyaltyTooHigh(uint16 royaltyBps, uint16 maximum);

    /// @notice Publishes a model; the caller becomes its publisher for ever.
    /// @param modelId `keccak256` of the manifest's canonical JSON (RFC 8785).
    /// @param manifestURI Where the manifest can be fetched; its content is checked against `modelId`.
    /// @param tokenIndex The oracle's token that prices are in; 0 is the chain's native coin.
    /// @param pricePerExecution Token units for one operator's run.
    /// @param pricePerKiB Token units for one operator's run, per started KiB of input.
    /// @param royaltyBps The publisher's part of each fee, in basis points, at most 5000.
    /// @param profile The manifest's determinism profile and output codec: what judges on chain compare outputs by. Fixed
    /// for ever. Nobody here reads the manifest: operators refuse a model whose profile is not its manifest's.
    function publish(
        bytes32 modelId,
        string calldata manifestURI,
        uint8 tokenIndex,
        uint96 pricePerExecution,
        uint96 pricePerKiB,
        uint16 royaltyBps,
        DeterminismProfile profile
    ) external;

    /// @notice Changes what new requests pay; open ones are not touched. Only the publisher.
    function setPrice(
        bytes32 modelId,
        uint8 tokenIndex,
        uint96 pricePerExecution,
        uint96 pricePerKiB,
        uint16 royaltyBps
    ) external;

    /// @notice Says where the same manifest can be fetched now. Only the publisher.
    function setManifestURI(bytes32 modelId, string calldata manifestURI) external;

    /// @notice Takes no new requests from now on; open ones are not touched. Only the publisher; for ever.
    function retire(bytes32 modelId) external;

    /// @notice Keeps the totals of a model's seats with the operator registry that calls, for its requests to find beside
    /// the terms. Anybody may keep such totals: an oracle asks only for those of its own operator registry.
    /// @param before The seat as it was; nothing, if it is a new one.
    /// @param current The seat as it is now; nothing, if it was given up.
    /// @return totalWeight Weight of all the model's seats with the caller.
    function replaceSeat(bytes32 modelId, Enrolment before, Enrolment current) external returns (uint64 totalWeight);

    /// @notice All that a request needs to know of a model, in one call.
    /// @param operators The operator registry whose seats count.
    function offerOf(bytes32 modelId, address operators)
        external
        view
        returns (ModelTerms terms, uint64 totalWeight, uint32 seats);

    /// @notice What a run of a model costs, and whether it takes requests.
    function termsOf(bytes32 modelId) external view returns (ModelTerms);

    /// @notice How two honest outputs of a model compare; zero if nobody published it.
    function profileOf(bytes32 modelId) external view returns (DeterminismProfile);

    /// @notice Who published a model; the zero address if nobody did.
    function publisherOf(bytes32 modelId) external view returns (address);

    /// @notice Where a model's manifest can be fetched.
    function manifestURIOf(bytes32 modelId) external view returns (string memory);
}
