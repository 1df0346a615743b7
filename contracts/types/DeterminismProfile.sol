// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice How two honest outputs of a model compare; fixed for ever when the model is published.
/// @dev From the most significant bit: kind (8, see `ProfileKind`), codec (8, see `OutputCodec`), abs (120, WAD),
/// rel (120, WAD). Zero for a model that was never published.
type DeterminismProfile is uint256;

/// @notice `Exact`: the same bytes. `Tolerance`: the same label, shape and element type, and each pair of numbers
/// within `max(abs, rel * max(|a|, |b|))`.
enum ProfileKind {
    None,
    Exact,
    Tolerance
}

/// @notice How an output is written; in the order of the SDK's `OUTPUT_CODECS`, after `None`.
enum OutputCodec {
    None,
    Classification,
    Scores,
    Scalar,
    Vector,
    Text,
    Tensor
}

using DeterminismProfileLib for DeterminismProfile global;

/// @notice Packs, checks and reads determinism profiles.
library DeterminismProfileLib {
    /// @notice Highest relative tolerance: one, in WAD. From there on a number agrees with zero.
    uint120 internal constant MAX_REL = 1e18;

    error ProfileKindUnknown(uint8 kind);
    error OutputCodecUnknown(uint8 codec);
    /// @notice An exact profile has no tolerances.
    error ExactWithTolerance(uint120 abs, uint120 rel);
    /// @notice Text has no distance, so its profile is exact.
    error TextWithTolerance();
    error RelativeToleranceTooHigh(uint120 rel, uint120 maximum);

    function pack(ProfileKind kind_, OutputCodec codec_, uint120 abs_, uint120 rel_)
        internal
        pure
        returns (DeterminismProfile)
    {
        return DeterminismProfile.wrap(
            uint256(kind_) << 248 | uint256(codec_) << 240 | uint256(abs_) << 120 | uint256(rel_)
        );
    }

    /// @notice Reverts with the fact that makes a word no profile.
    function check(DeterminismProfile profile) internal pure {
        uint8 rawKind = uint8(DeterminismProfile.unwrap(profile) >> 248);
        uint8 rawCodec = uint8(DeterminismProfile.unwrap(profile) >> 240);
        if (rawKind == uint8(ProfileKind.None) || rawKind > uint8(type(ProfileKind).max)) {
            revert ProfileKindUnknown(rawKind);
        }
        if (rawCodec == uint8(OutputCodec.None) || rawCodec > uint8(type(OutputCodec).max)) {
            revert OutputCodecUnknown(rawCodec);
        }
        if (profile.isExact()) {
            if (profile.abs() != 0 || profile.rel() != 0) revert ExactWithTolerance(profile.abs(), profile.rel());
        } else {
            if (profile.codec() == OutputCodec.Text) revert TextWithTolerance();
            if (profile.rel() > MAX_REL) revert RelativeToleranceTooHigh(profile.rel(), MAX_REL);
        }
    }

    function kind(DeterminismProfile profile) internal pure returns (ProfileKind) {
        return ProfileKind(uint8(DeterminismProfile.unwrap(profile) >> 248));
    }

    function codec(DeterminismProfile profile) internal pure returns (OutputCodec) {
        return OutputCodec(uint8(DeterminismProfile.unwrap(profile) >> 240));
    }

    /// @notice Absolute tolerance, in WAD.
    function abs(DeterminismProfile profile) internal pure returns (uint120) {
        return uint120(DeterminismProfile.unwrap(profile) >> 120);
    }

    /// @notice Relative tolerance, in WAD.
    function rel(DeterminismProfile profile) internal pure returns (uint120) {
        return uint120(DeterminismProfile.unwrap(profile));
    }

    function isExact(DeterminismProfile profile) internal pure returns (bool) {
        return profile.kind() == ProfileKind.Exact;
    }
}
