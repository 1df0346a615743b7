// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {VectorReader} from "./support/VectorReader.sol";
import {Attestations} from "@sibyl/contracts/libraries/Attestations.sol";
import {Commitments} from "@sibyl/contracts/libraries/Commitments.sol";
import {Sortition} from "@sibyl/contracts/libraries/Sortition.sol";
import {ClassificationCodec} from "@sibyl/contracts/libraries/codecs/ClassificationCodec.sol";
import {ScalarCodec} from "@sibyl/contracts/libraries/codecs/ScalarCodec.sol";
import {ScoresCodec} from "@sibyl/contracts/libraries/codecs/ScoresCodec.sol";
import {TensorCodec} from "@sibyl/contracts/libraries/codecs/TensorCodec.sol";
import {TextCodec} from "@sibyl/contracts/libraries/codecs/TextCodec.sol";
import {VectorCodec} from "@sibyl/contracts/libraries/codecs/VectorCodec.sol";
import {
    DeterminismProfile,
    DeterminismProfileLib,
    OutputCodec,
    ProfileKind
} from "@sibyl/contracts/types/DeterminismProfile.sol";
import {Dispute} from "@sibyl/contracts/types/Dispute.sol";
import {Enrolment, EnrolmentLib} from "@sibyl/contracts/types/Enrolment.sol";
import {ModelStatus, ModelTerms, ModelTermsLib} from "@sibyl/contracts/types/ModelTerms.sol";
import {Proposal} from "@sibyl/contracts/types/Proposal.sol";
import {Request} from "@sibyl/contracts/types/Request.sol";
import {RequestFunds, RequestFundsLib} from "@sibyl/contracts/types/RequestFunds.sol";
import {RequestOpening} from "@sibyl/contracts/types/RequestOpening.sol";
import {RequestTerms, RequestTermsLib} from "@sibyl/contracts/types/RequestTerms.sol";

/// Bytes that the SDK wrote down: both languages must read and make the same. See test/vectors/README.md.
contract VectorsTest is VectorReader {
    function test_Vectors_Request() public {
        uint256 count = load("request", "cases");
        for (uint256 i = 0; i < count; ++i) {
            RequestTerms terms = RequestTermsLib.pack(
                vm.parseJsonAddress(json, path(i, "consumer")),
                uint40(number(i, "deadline")),
                uint32(number(i, "callbackGasLimit")),
                uint8(number(i, "committeeSize")),
                uint8(number(i, "quorum")),
                uint8(number(i, "salt"))
            );
            assertEq(RequestTerms.unwrap(terms), number(i, "terms"));
            RequestFunds funds = RequestFundsLib.pack(
                uint96(number(i, "fee")), uint96(number(i, "gasReserve")), uint64(number(i, "maxGasPrice"))
            );
            assertEq(RequestFunds.unwrap(funds), number(i, "funds"));
            RequestOpening opening = RequestOpening.wrap(number(i, "opening"));
            assertOpening(i, opening);
            Request memory request = Request(word(i, "modelId"), word(i, "inputHash"), terms, opening, funds);
            assertEq(request.id(), word(i, "requestId"));
            assertEq(keccak256(abi.encode(request)), word(i, "requestId"));
        }
    }

    function assertOpening(uint256 i, RequestOpening opening) private view {
        assertEq(opening.totalWeight(), number(i, "totalWeight"));
        assertEq(opening.openedBlock(), number(i, "openedBlock"));
        assertEq(opening.openedAt(), number(i, "openedAt"));
        assertEq(opening.challengeWindow(), number(i, "challengeWindow"));
        assertEq(opening.arbiterIndex(), number(i, "arbiterIndex"));
        assertEq(opening.roundSeconds(), number(i, "roundSeconds"));
        assertEq(opening.overdrawBps(), number(i, "overdrawBps"));
        assertEq(opening.royaltyBps(), number(i, "royaltyBps"));
        assertEq(opening.protocolBps(), number(i, "protocolBps"));
        assertEq(opening.tokenIndex(), number(i, "tokenIndex"));
    }

    function test_Vectors_Proposal() public {
        uint256 count = load("proposal", "cases");
        for (uint256 i = 0; i < count; ++i) {
            assertEq(proposalAt(i).hash(), word(i, "hash"));
            assertEq(keccak256(abi.encode(proposalAt(i))), word(i, "hash"));
            assertEq(this.hashOf(proposalAt(i)), word(i, "hash"));
        }
    }

    function test_Vectors_Dispute() public {
        uint256 count = load("dispute", "cases");
        for (uint256 i = 0; i < count; ++i) {
            Dispute memory dispute = Dispute({
                proposal: proposalAt(i),
                challenger: vm.parseJsonAddress(json, path(i, "challenger")),
                challengedBlock: uint48(number(i, "challengedBlock")),
                challengedAt: uint40(number(i, "challengedAt"))
            });
            address arbiter = vm.parseJsonAddress(json, path(i, "arbiter"));
            assertEq(dispute.id(arbiter, word(i, "requestId")), word(i, "disputeId"));
        }
    }

    function hashOf(Proposal calldata proposal) external pure returns (bytes32) {
        return proposal.hashOf();
    }

    function proposalAt(uint256 i) private view returns (Proposal memory) {
        return Proposal({
            outputHash: word(i, "outputHash"),
            signers: number(i, "signers"),
            proposedAt: uint40(number(i, "proposedAt")),
            submitterId: uint32(number(i, "submitterId")),
            gasOwed: uint96(number(i, "gasOwed"))
        });
    }

    function test_Vectors_Enrolment() public {
        uint256 count = load("enrolment", "cases");
        for (uint256 i = 0; i < count; ++i) {
            Enrolment enrolment = EnrolmentLib.pack(
                vm.parseJsonAddress(json, path(i, "attester")),
                uint56(number(i, "weight")),
                uint40(number(i, "activeFrom"))
            );
            assertEq(Enrolment.unwrap(enrolment), number(i, "packed"));
            assertEq(enrolment.attester(), vm.parseJsonAddress(json, path(i, "attester")));
            assertEq(enrolment.weight(), number(i, "weight"));
            assertEq(enrolment.activeFrom(), number(i, "activeFrom"));
        }
    }

    function test_Vectors_Profile() public {
        uint256 count = load("profile", "cases");
        for (uint256 i = 0; i < count; ++i) {
            DeterminismProfile profile = DeterminismProfileLib.pack(
                ProfileKind(number(i, "kind")),
                OutputCodec(number(i, "codec")),
                uint120(number(i, "abs")),
                uint120(number(i, "rel"))
            );
            assertEq(DeterminismProfile.unwrap(profile), number(i, "packed"));
            profile.check();
            assertEq(uint8(profile.kind()), number(i, "kind"));
            assertEq(uint8(profile.codec()), number(i, "codec"));
            assertEq(profile.abs(), number(i, "abs"));
            assertEq(profile.rel(), number(i, "rel"));
        }
    }

    function test_Vectors_ModelTerms() public {
        uint256 count = load("modelTerms", "cases");
        for (uint256 i = 0; i < count; ++i) {
            ModelTerms terms = ModelTermsLib.pack(
                uint96(number(i, "pricePerExecution")),
                uint96(number(i, "pricePerKiB")),
                uint16(number(i, "royaltyBps")),
                uint8(number(i, "tokenIndex")),
                ModelStatus(number(i, "status"))
            );
            assertEq(ModelTerms.unwrap(terms), number(i, "packed"));
            assertEq(terms.pricePerExecution(), number(i, "pricePerExecution"));
            assertEq(terms.pricePerKiB(), number(i, "pricePerKiB"));
            assertEq(terms.royaltyBps(), number(i, "royaltyBps"));
            assertEq(terms.tokenIndex(), number(i, "tokenIndex"));
            assertEq(uint8(terms.status()), number(i, "status"));
        }
    }

    function test_Vectors_Attestation() public {
        uint256 count = load("attestation", "cases");
        for (uint256 i = 0; i < count; ++i) {
            vm.chainId(number(i, "chainId"));
            bytes32 outputHash = keccak256(vm.parseJsonBytes(json, path(i, "output")));
            assertEq(outputHash, word(i, "outputHash"));
            bytes32 digest = Attestations.digest(
                Attestations.domainSeparator(vm.parseJsonAddress(json, path(i, "oracle"))),
                Attestations.structHash(word(i, "requestHash"), outputHash, uint32(number(i, "view")))
            );
            assertEq(digest, word(i, "digest"));
            assertEq(
                Attestations.recover(digest, word(i, "r"), word(i, "vs")), vm.parseJsonAddress(json, path(i, "signer"))
            );
        }
    }

    function test_Vectors_Commit() public {
        uint256 count = load("commit", "cases");
        for (uint256 i = 0; i < count; ++i) {
            vm.chainId(number(i, "chainId"));
            bytes32 commitment = Commitments.seal(
                word(i, "requestHash"), uint32(number(i, "operatorId")), word(i, "outputHash"), word(i, "salt")
            );
            assertEq(commitment, word(i, "commitment"));
            bytes32 digest = Attestations.digest(
                Attestations.domainSeparator(vm.parseJsonAddress(json, path(i, "oracle"))),
                Commitments.structHash(word(i, "requestHash"), commitment)
            );
            assertEq(digest, word(i, "digest"));
            assertEq(
                Attestations.recover(digest, word(i, "r"), word(i, "vs")), vm.parseJsonAddress(json, path(i, "signer"))
            );
        }
    }

    function test_Vectors_Tickets() public {
        uint256 count = load("sortition", "draws");
        for (uint256 i = 0; i < count; ++i) {
            bytes32 seed = Sortition.seed(word(i, "requestId"), word(i, "blockHash"));
            assertEq(seed, word(i, "seed"));
            assertEq(Sortition.ticket(seed, uint32(number(i, "operatorId"))), number(i, "ticket"));
        }
    }

    function test_Vectors_Rounds() public {
        uint256 count = load("sortition", "rounds");
        for (uint256 i = 0; i < count; ++i) {
            assertLe(number(i, "ticket"), type(uint128).max);
            assertRounds(
                uint128(number(i, "ticket")),
                uint56(number(i, "weight")),
                number(i, "totalWeight"),
                Sortition.demandBps(uint8(number(i, "committeeSize")), uint16(number(i, "overdrawBps")), 0),
                number(i, "firstRound")
            );
        }
    }

    function assertRounds(uint128 ticket, uint56 weight, uint256 totalWeight, uint256 demandBps, uint256 firstRound)
        private
        pure
    {
        for (uint256 round = 0; round <= 32; ++round) {
            assertEq(
                Sortition.isDrawn(ticket, weight, totalWeight, demandBps << round),
                round >= firstRound,
                vm.toString(round)
            );
        }
    }

    function test_Vectors_Classification() public {
        uint256 count = load("codecClassification", "cases");
        for (uint256 i = 0; i < count; ++i) {
            (uint32 label, uint256 confidenceWad) = ClassificationCodec.decode(encoded(i));
            assertEq(label, number(i, "label"));
            assertEq(confidenceWad, number(i, "confidence"));
            assertEq(ClassificationCodec.encode(label, confidenceWad), encoded(i));
        }
    }

    function test_Vectors_Scores() public {
        uint256 count = load("codecScores", "cases");
        for (uint256 i = 0; i < count; ++i) {
            (uint32 label, uint256 confidenceWad, uint256[] memory scoresWad) = ScoresCodec.decode(encoded(i));
            assertEq(label, number(i, "label"));
            assertEq(confidenceWad, number(i, "confidence"));
            assertEq(scoresWad, vm.parseJsonUintArray(json, path(i, "scores")));
            assertEq(ScoresCodec.encode(label, confidenceWad, scoresWad), encoded(i));
        }
    }

    function test_Vectors_Scalar() public {
        uint256 count = load("codecScalar", "cases");
        for (uint256 i = 0; i < count; ++i) {
            int256 value = ScalarCodec.decode(encoded(i));
            assertEq(value, vm.parseJsonInt(json, path(i, "value")));
            assertEq(ScalarCodec.encode(value), encoded(i));
        }
    }

    function test_Vectors_Vector() public {
        uint256 count = load("codecVector", "cases");
        for (uint256 i = 0; i < count; ++i) {
            int256[] memory values = VectorCodec.decode(encoded(i));
            assertEq(values, vm.parseJsonIntArray(json, path(i, "value")));
            assertEq(VectorCodec.encode(values), encoded(i));
        }
    }

    function test_Vectors_Text() public {
        uint256 count = load("codecText", "cases");
        for (uint256 i = 0; i < count; ++i) {
            string memory text = TextCodec.decode(encoded(i));
            assertEq(bytes(text), vm.parseJsonBytes(json, path(i, "utf8")));
            assertEq(TextCodec.encode(text), encoded(i));
        }
    }

    function test_Vectors_Tensor() public {
        uint256 count = load("codecTensor", "cases");
        for (uint256 i = 0; i < count; ++i) {
            (uint8 dtype, uint32[] memory shape, bytes memory data) = TensorCodec.decode(encoded(i));
            assertEq(dtype, number(i, "dtype"));
            uint256[] memory dimensions = vm.parseJsonUintArray(json, path(i, "shape"));
            assertEq(shape.length, dimensions.length);
            for (uint256 d = 0; d < dimensions.length; ++d) {
                assertEq(shape[d], dimensions[d]);
            }
            assertEq(data, vm.parseJsonBytes(json, path(i, "data")));
            assertEq(TensorCodec.encode(dtype, shape, data), encoded(i));
        }
    }

    function test_Vectors_InvalidOutputsAreRefusedByName() public {
        uint256 count = load("codecInvalid", "cases");
        uint256 tried;
        for (uint256 i = 0; i < count; ++i) {
            bytes32 codec = keccak256(bytes(vm.parseJsonString(json, path(i, "codec"))));
            if (codec == keccak256("bytes")) continue;
            bool reverts = vm.parseJsonBool(json, path(i, "revertsOnChain"));
            string memory why = vm.parseJsonString(json, path(i, "why"));
            try this.decode(codec, encoded(i)) {
                assertFalse(reverts, why);
            } catch (bytes memory reason) {
                assertTrue(reverts, why);
                assertEq(reason.length, 36, "a named error with the length");
            }
            ++tried;
        }
        assertGt(tried, 10);
    }

    function decode(bytes32 codec, bytes memory output) external pure {
        if (codec == keccak256("classification")) ClassificationCodec.decode(output);
        else if (codec == keccak256("scores")) ScoresCodec.decode(output);
        else if (codec == keccak256("scalar")) ScalarCodec.decode(output);
        else if (codec == keccak256("vector")) VectorCodec.decode(output);
        else if (codec == keccak256("text")) TextCodec.decode(output);
        else TensorCodec.decode(output);
    }

    /// @dev Whatever the bytes are, a decoder either takes them or names its error: it never panics, and what it takes
    /// is the canonical encoding but for bytes of padding.
    function testFuzz_Decode_TakesOrNames(bytes memory output, uint8 which) public view {
        bytes32[6] memory codecs = [
            keccak256("classification"),
            keccak256("scores"),
            keccak256("scalar"),
            keccak256("vector"),
            keccak256("text"),
            keccak256("tensor")
        ];
        try this.decode(codecs[which % 6], output) {}
        catch (bytes memory reason) {
            assertEq(reason.length, 36);
        }
    }
}
