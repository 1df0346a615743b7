// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {OracleFixture} from "./OracleFixture.sol";
import {OpeningCourt} from "@sibyl/contracts/OpeningCourt.sol";
import {Attestations} from "@sibyl/contracts/libraries/Attestations.sol";
import {Commitments} from "@sibyl/contracts/libraries/Commitments.sol";
import {ClassificationCodec} from "@sibyl/contracts/libraries/codecs/ClassificationCodec.sol";
import {Attestation} from "@sibyl/contracts/types/Attestation.sol";
import {CourtParameters} from "@sibyl/contracts/types/CourtParameters.sol";
import {DeterminismProfileLib, OutputCodec, ProfileKind} from "@sibyl/contracts/types/DeterminismProfile.sol";
import {OpeningDemand} from "@sibyl/contracts/types/OpeningDemand.sol";
import {Request} from "@sibyl/contracts/types/Request.sol";
import {SignedCommitment} from "@sibyl/contracts/types/SignedCommitment.sol";
import {SignedOutput} from "@sibyl/contracts/types/SignedOutput.sol";

/// @notice A court that the registry trusts, and what operators sign. `MODEL` takes confidences within 0.001, `EXACT_MODEL` bytes.
abstract contract OpeningCourtFixture is OracleFixture {
    bytes32 internal constant EXACT_MODEL = keccak256("an exact model");
    bytes32 internal constant SALT = keccak256("a salt");
    uint256 internal constant BOND = 0.01 ether;

    address internal demander = makeAddr("demander");

    OpeningCourt internal court;

    /// @dev The request that operators answer in these tests.
    Request internal request;
    Request internal exactRequest;

    bytes internal near = ClassificationCodec.encode(1, 0.971e18);
    bytes internal far = ClassificationCodec.encode(1, 0.9711e18);

    function setUp() public virtual override {
        super.setUp();
        court = new OpeningCourt(operators, courtParameters());
        vm.prank(owner);
        operators.trustJudge(address(court));
        vm.prank(publisher);
        models.publish(
            EXACT_MODEL, "", 0, 0, 0, 0, DeterminismProfileLib.pack(ProfileKind.Exact, OutputCodec.Scalar, 0, 0)
        );
        request = open(params());
        exactRequest = request;
        exactRequest.modelId = EXACT_MODEL;
        vm.deal(demander, 100 ether);
    }

    function courtParameters() internal pure returns (CourtParameters memory) {
        return CourtParameters({bondWei: uint96(BOND), demandSeconds: 12 hours, openingSeconds: 2 hours});
    }

    /// @dev Operator `id` committed to `computed`, attested `attested`, and is asked.
    function demandOpening(Request memory about, uint32 id, bytes memory computed, bytes memory attested)
        internal
        returns (bytes32)
    {
        SignedCommitment memory committed = commit(keys[id], about, id, computed);
        SignedOutput memory said = attestWith(keys[id], about, attested, 0);
        vm.prank(demander);
        return court.demand{value: BOND}(address(oracle), about, committed, 0, said, attested);
    }

    function openAs(Request memory about, uint32 id, bytes memory computed, bytes memory attested) internal {
        court.open(demandFor(about, id, computed, attested), keccak256(computed), SALT, computed, attested);
    }

    function demandFor(Request memory about, uint32 id, bytes memory computed, bytes memory attested)
        internal
        view
        returns (OpeningDemand memory)
    {
        return OpeningDemand({
            oracle: address(oracle),
            requestId: about.id(),
            modelId: about.modelId,
            operatorId: id,
            commitment: Commitments.seal(about.id(), id, keccak256(computed), SALT),
            attestedHash: keccak256(attested)
        });
    }

    function commit(uint256 key, Request memory about, uint32 id, bytes memory computed)
        internal
        view
        returns (SignedCommitment memory)
    {
        return sealedWith(key, about, id, computed, SALT);
    }

    function sealedWith(uint256 key, Request memory about, uint32 id, bytes memory computed, bytes32 salt)
        internal
        view
        returns (SignedCommitment memory)
    {
        bytes32 commitment = Commitments.seal(about.id(), id, keccak256(computed), salt);
        bytes32 structHash = Commitments.structHash(about.id(), commitment);
        (bytes32 r, bytes32 vs) =
            vm.signCompact(key, Attestations.digest(Attestations.domainSeparator(address(oracle)), structHash));
        return SignedCommitment(commitment, r, vs);
    }

    function attestWith(uint256 key, Request memory about, bytes memory answer, uint32 viewNumber)
        internal
        view
        returns (SignedOutput memory)
    {
        Attestation memory signed = signWith(key, 0, about.id(), answer, viewNumber, address(oracle));
        return SignedOutput(keccak256(answer), signed.r, signed.vs);
    }
}
