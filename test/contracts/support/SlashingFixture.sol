// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {OracleFixture} from "./OracleFixture.sol";
import {Attestation} from "@sibyl/contracts/types/Attestation.sol";
import {DeterminismProfileLib, OutputCodec, ProfileKind} from "@sibyl/contracts/types/DeterminismProfile.sol";
import {Request} from "@sibyl/contracts/types/Request.sol";
import {SignedOutput} from "@sibyl/contracts/types/SignedOutput.sol";

/// @notice A judge, a reporter, an exact model, and equivocations.
abstract contract SlashingFixture is OracleFixture {
    bytes32 internal constant OTHER_MODEL = keccak256("another model");
    bytes32 internal constant REQUEST = keccak256("a request");

    bytes32 internal constant EXACT_MODEL = keccak256("an exact model");

    address internal judge = makeAddr("judge");
    address internal reporter = makeAddr("reporter");

    function setUp() public virtual override {
        super.setUp();
        vm.prank(owner);
        operators.trustJudge(judge);
        vm.prank(publisher);
        models.publish(
            EXACT_MODEL, "", 0, 0, 0, 0, DeterminismProfileLib.pack(ProfileKind.Exact, OutputCodec.Scalar, 0, 0)
        );
    }

    function slash(uint256 key, uint32 viewNumber, bytes memory one, bytes memory other) internal {
        operators.slashEquivocation(
            address(oracle), REQUEST, viewNumber, signed(key, viewNumber, one), signed(key, viewNumber, other)
        );
    }

    function requestFor(bytes32 modelId) internal view returns (Request memory request) {
        request.modelId = modelId;
        request.inputHash = keccak256(input);
    }

    function signed(uint256 key, uint32 viewNumber, bytes memory answer) internal view returns (SignedOutput memory) {
        return signedFor(key, REQUEST, viewNumber, answer);
    }

    function signedFor(uint256 key, bytes32 requestId, uint32 viewNumber, bytes memory answer)
        internal
        view
        returns (SignedOutput memory)
    {
        Attestation memory attestation = signWith(key, 0, requestId, answer, viewNumber, address(oracle));
        return SignedOutput(keccak256(answer), attestation.r, attestation.vs);
    }
}
