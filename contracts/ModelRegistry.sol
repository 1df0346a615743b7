// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IModelRegistry} from "./interfaces/IModelRegistry.sol";
import {DeterminismProfile} from "./types/DeterminismProfile.sol";
import {Enrolment} from "./types/Enrolment.sol";
import {ModelStatus, ModelTerms, ModelTermsLib} from "./types/ModelTerms.sol";

/// @title ModelRegistry
/// @notice Anyone may publish a model under the hash of its manifest; the first to do so sets its price.
contract ModelRegistry is IModelRegistry {
    struct Seats {
        uint64 totalWeight;
        uint32 count;
    }

    /// @notice Highest royalty, in hundredths of a percent of the fee.
    uint16 public constant MAX_ROYALTY_BPS = 5000;

    mapping(bytes32 modelId => ModelTerms) private _terms;
    mapping(bytes32 modelId => address) private _publisher;
    mapping(bytes32 modelId => string) private _manifestURI;
    mapping(bytes32 modelId => DeterminismProfile) private _profiles;

    /// @dev Here and not with the operators, because a request asks for both, and a second contract costs it 3,000 gas.
    mapping(address operatorRegistry => mapping(bytes32 modelId => Seats)) private _seats;

    /// @dev Passes only for the publisher of a model that still takes requests.
    modifier onlyPublisher(bytes32 modelId) {
        address publisher = _publisher[modelId];
        if (publisher == address(0)) revert ModelNotPublished(modelId);
        if (publisher != msg.sender) revert NotPublisher(modelId, publisher, msg.sender);
        if (_terms[modelId].status() == ModelStatus.Retired) revert ModelIsRetired(modelId);
        _;
    }

    /// @inheritdoc IModelRegistry
    function publish(
        bytes32 modelId,
        string calldata manifestURI,
        uint8 tokenIndex,
        uint96 pricePerExecution,
        uint96 pricePerKiB,
        uint16 royaltyBps,
        DeterminismProfile profile
    ) external {
        if (modelId == 0) revert ZeroModelId();
        address publisher = _publisher[modelId];
        if (publisher != address(0)) revert ModelAlreadyPublished(modelId, publisher);
        profile.check();

        ModelTerms terms = _activeTerms(tokenIndex, pricePerExecution, pricePerKiB, royaltyBps);
        _publisher[modelId] = msg.sender;
        _manifestURI[modelId] = manifestURI;
        _terms[modelId] = terms;
        _profiles[modelId] = profile;
        emit ModelPublished(modelId, msg.sender, manifestURI, terms, profile);
    }

    /// @inheritdoc IModelRegistry
    function setPrice(
        bytes32 modelId,
        uint8 tokenIndex,
        uint96 pricePerExecution,
        uint96 pricePerKiB,
        uint16 royaltyBps
    ) external onlyPublisher(modelId) {
        ModelTerms terms = _activeTerms(tokenIndex, pricePerExecution, pricePerKiB, royaltyBps);
        _terms[modelId] = terms;
        emit ModelTermsChanged(modelId, terms);
    }

    /// @inheritdoc IModelRegistry
    function setManifestURI(bytes32 modelId, string calldata manifestURI) external onlyPublisher(modelId) {
        _manifestURI[modelId] = manifestURI;
        emit ManifestURIChanged(modelId, manifestURI);
    }

    /// @inheritdoc IModelRegistry
    function retire(bytes32 modelId) external onlyPublisher(modelId) {
        ModelTerms terms = ModelTermsLib.pack(0, 0, 0, 0, ModelStatus.Retired);
        _terms[modelId] = terms;
        emit ModelTermsChanged(modelId, terms);
    }

    /// @inheritdoc IModelRegistry
    function replaceSeat(bytes32 modelId, Enrolment before, Enrolment current) external returns (uint64 totalWeight) {
        Seats memory seats = _seats[msg.sender][modelId];
        totalWeight = seats.totalWeight - before.weight() + current.weight();
        seats.totalWeight = totalWeight;
        if (current.exists() && !before.exists()) ++seats.count;
        if (!current.exists() && before.exists()) --seats.count;
        _seats[msg.sender][modelId] = seats;
    }

    /// @inheritdoc IModelRegistry
    function offerOf(bytes32 modelId, address operators)
        external
        view
        returns (ModelTerms terms, uint64 totalWeight, uint32 seats)
    {
        Seats memory all = _seats[operators][modelId];
        return (_terms[modelId], all.totalWeight, all.count);
    }

    /// @inheritdoc IModelRegistry
    function termsOf(bytes32 modelId) external view returns (ModelTerms) {
        return _terms[modelId];
    }

    /// @inheritdoc IModelRegistry
    function profileOf(bytes32 modelId) external view returns (DeterminismProfile) {
        return _profiles[modelId];
    }

    /// @inheritdoc IModelRegistry
    function publisherOf(bytes32 modelId) external view returns (address) {
        return _publisher[modelId];
    }

    /// @inheritdoc IModelRegistry
    function manifestURIOf(bytes32 modelId) external view returns (string memory) {
        return _manifestURI[modelId];
    }

    function _activeTerms(uint8 tokenIndex, uint96 pricePerExecution, uint96 pricePerKiB, uint16 royaltyBps)
        private
        pure
        returns (ModelTerms)
    {
        if (royaltyBps > MAX_ROYALTY_BPS) revert RoyaltyTooHigh(royaltyBps, MAX_ROYALTY_BPS);
        return ModelTermsLib.pack(pricePerExecution, pricePerKiB, royaltyBps, tokenIndex, ModelStatus.Active);
    }
}
