import { type Address, encodeAbiParameters, encodeFunctionData, type Hex } from "viem";
import { openingCourtAbi } from "../abi/openingCourt.ts";
import { outputHash } from "../eip712.ts";
import { keccak256 } from "../keccak256.ts";
import { type RequestWords, requestId } from "../request.ts";
import { toCompactSignature } from "../signature.ts";

/** An operator's own two statements about one request, which an opening has to bring together. */
export interface OpeningEvidence {
  oracle: Address;
  request: RequestWords;
  operatorId: number;
  /** What it signed as `Commit` before anybody showed an output. */
  commitment: Hex;
  /** 65 bytes. */
  commitSignature: Hex;
  /** The output that it attested; "0x" does for an `exact` model when `attestedHash` names it. */
  attestedOutput: Hex;
  /** `keccak256(attestedOutput)` when left out. */
  attestedHash?: Hex;
  /** The view that it attested it in. */
  view: number;
  /** 65 bytes. */
  attestationSignature: Hex;
}

/** What an operator is asked to open (`contracts/types/OpeningDemand.sol`). */
export interface OpeningDemand {
  oracle: Address;
  requestId: Hex;
  modelId: Hex;
  operatorId: number;
  commitment: Hex;
  attestedHash: Hex;
}

const DEMAND = [
  { type: "address" },
  { type: "bytes32" },
  { type: "bytes32" },
  { type: "uint32" },
  { type: "bytes32" },
  { type: "bytes32" },
] as const;

/**
 * Calldata of the opening court's `demand`, and the demand that it makes. The court's `bondWei` is to be attached.
 *
 * @throws InvalidSignatureError when a signature is malformed.
 */
export function encodeDemand(evidence: OpeningEvidence): { data: Hex; demand: OpeningDemand } {
  const { oracle, request, operatorId, commitment, view, attestedOutput } = evidence;
  const attestedHash = evidence.attestedHash ?? outputHash(attestedOutput);
  const data = encodeFunctionData({
    abi: openingCourtAbi,
    functionName: "demand",
    args: [
      oracle,
      request,
      { commitment, ...toCompactSignature(evidence.commitSignature) },
      view,
      { outputHash: attestedHash, ...toCompactSignature(evidence.attestationSignature) },
      attestedOutput,
    ],
  });
  const { modelId } = request;
  return {
    data,
    demand: { oracle, requestId: requestId(request), modelId, operatorId, commitment, attestedHash },
  };
}

/**
 * Calldata of the opening court's `open`.
 *
 * @param output What the operator committed to.
 * @param salt The salt of its commitment.
 * @param attestedOutput What it attested; needed where the model is `tolerance` and the outputs differ.
 */
export function encodeOpen(demand: OpeningDemand, output: Hex, salt: Hex, attestedOutput: Hex): Hex {
  return encodeFunctionData({
    abi: openingCourtAbi,
    functionName: "open",
    args: [demand, outputHash(output), salt, output, attestedOutput],
  });
}

/** Calldata of the opening court's `close`, for a demand that nobody met in time. */
export function encodeClose(demand: OpeningDemand): Hex {
  return encodeFunctionData({ abi: openingCourtAbi, functionName: "close", args: [demand] });
}

/** A demand's id: `keccak256(abi.encode(demand))`. */
export function openingDemandId(demand: OpeningDemand): Hex {
  const { oracle, requestId, modelId, operatorId, commitment, attestedHash } = demand;
  return keccak256(
    encodeAbiParameters(DEMAND, [oracle, requestId, modelId, operatorId, commitment, attestedHash]),
  );
}
