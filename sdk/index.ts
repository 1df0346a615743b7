/** The public face of `@sibyl/sdk`: what apps and the coprocessor share. Runs in browsers; needs viem. */

export { inferenceConsumerAbi } from "./abi/inferenceConsumer.ts";
export { inferenceOracleAbi } from "./abi/inferenceOracle.ts";
export { juryArbiterAbi } from "./abi/juryArbiter.ts";
export { modelRegistryAbi } from "./abi/modelRegistry.ts";
export { openingCourtAbi } from "./abi/openingCourt.ts";
export { operatorRegistryAbi } from "./abi/operatorRegistry.ts";
export { type CheckConsumerParameters, checkConsumer } from "./actions/checkConsumer.ts";
export { checkOracle } from "./actions/checkOracle.ts";
export { encodeChallenge, encodeLapse, encodeResolve } from "./actions/encodeDispute.ts";
export { encodeFinalize } from "./actions/encodeFinalize.ts";
export {
  encodeClose,
  encodeDemand,
  encodeOpen,
  type OpeningDemand,
  type OpeningEvidence,
  openingDemandId,
} from "./actions/encodeOpening.ts";
export { type EquivocationEvidence, encodeReport, type SignedAttestation } from "./actions/encodeReport.ts";
export {
  type AttestationEntry,
  DuplicateSignerError,
  encodeSettle,
  sortAttestations,
} from "./actions/encodeSettle.ts";
export { encodeSettleBatch, requestsInBatch, WrongFunctionError } from "./actions/encodeSettleBatch.ts";
export { expire } from "./actions/expire.ts";
export { explainReason, explainRevert, type RevertReason } from "./actions/explainRevert.ts";
export { type GetRequestParameters, getRequest } from "./actions/getRequest.ts";
export { getRequestStatus, REQUEST_STATUSES, type RequestStatus } from "./actions/getRequestStatus.ts";
export {
  type ExpiredResult,
  type GetResultParameters,
  getResult,
  type RequestResult,
  type SettledResult,
} from "./actions/getResult.ts";
export { type OpenedRequest, openedRequests } from "./actions/openedRequests.ts";
export {
  CallbackGasTooLowError,
  CallRevertedError,
  NoAccountError,
  NoConsumerError,
  NoOracleError,
  RequestNotFoundError,
  WaitForResultTimeoutError,
} from "./actions/oracleErrors.ts";
export { type Policy, type Quote, type QuoteParameters, quote } from "./actions/quote.ts";
export { redeliver } from "./actions/redeliver.ts";
export { type RequestInferenceParameters, requestInference } from "./actions/requestInference.ts";
export type { SenderParameters } from "./actions/sendingAccount.ts";
export { verifyOutput } from "./actions/verifyOutput.ts";
export { type OverdueResult, type WaitForAnswerParameters, waitForAnswer } from "./actions/waitForAnswer.ts";
export { type WaitForResultParameters, waitForResult } from "./actions/waitForResult.ts";
export { type WatchRequestsParameters, watchRequests } from "./actions/watchRequests.ts";
export { canonicalJson, MAX_JSON_DEPTH, NotCanonicalizableError } from "./canonicalJson.ts";
export { decodeBytes, decodeRawBytes, encodeBytes } from "./codec/bytes.ts";
export type { Encoding } from "./codec/canonicalAbi.ts";
export { type Classification, decodeClassification, encodeClassification } from "./codec/classification.ts";
export { DTYPES, type Dtype, type DtypeCode, type DtypeName, dtypeCode, dtypeOf } from "./codec/dtype.ts";
export {
  AbiDecodingError,
  InvalidTextError,
  NonCanonicalError,
  ShapeMismatchError,
  UnknownCodecError,
  WrongDtypeError,
} from "./codec/errors.ts";
export { decodeInput, encodeInput, INPUT_CODECS, type InputCodec, type InputValues } from "./codec/input.ts";
export {
  decodeOutput,
  encodeOutput,
  OUTPUT_CODECS,
  type OutputCodec,
  type OutputValues,
} from "./codec/output.ts";
export { decodeScalar, encodeScalar } from "./codec/scalar.ts";
export { decodeScores, encodeScores, type Scores } from "./codec/scores.ts";
export {
  decodeRawTensor,
  decodeTensor,
  elementCount,
  encodeTensor,
  type RawTensor,
  type Tensor,
  tensorValues,
} from "./codec/tensor.ts";
export { decodeText, encodeText } from "./codec/text.ts";
export { decodeVector, encodeVector } from "./codec/vector.ts";
export { type Agreement, agree, MedianUndefinedError, median } from "./compare.ts";
export { type Component, type Components, componentsOf } from "./components.ts";
export { type Dispute, disputeId } from "./dispute.ts";
export {
  ATTESTATION_TYPES,
  ATTESTER_CONSENT_TYPES,
  type AttestationFields,
  type AttesterConsentFields,
  attestationDigest,
  attestationPreimage,
  attestationTypedData,
  attesterConsentDigest,
  attesterConsentTypedData,
  COMMIT_TYPES,
  type CommitFields,
  commitDigest,
  commitmentHash,
  commitPreimage,
  commitTypedData,
  type OracleScope,
  oracleDomain,
  outputHash,
  type RegistryScope,
  registryDomain,
} from "./eip712.ts";
export { type EnrolmentFields, packEnrolment, unpackEnrolment } from "./enrolment.ts";
export { OutOfRangeError, SibylError, type SibylErrorOptions } from "./errors.ts";
export {
  formatWad,
  fromWad,
  InvalidDecimalError,
  NotFiniteError,
  parseWad,
  toWad,
  WAD,
} from "./fixedPoint.ts";
export type { ImageInput } from "./imageInput.ts";
export { type InferenceActions, inferenceActions } from "./inferenceActions.ts";
export {
  canonicalManifest,
  type DeterminismProfile,
  InvalidManifestError,
  MANIFEST_LIMITS,
  type ModelManifest,
  modelId,
  parseManifest,
} from "./manifest.ts";
export { manifestJsonSchema } from "./manifestJsonSchema.ts";
export {
  decodeModelOutput,
  encodeModelInput,
  type ManifestInput,
  type ManifestOutput,
  type ModelOutput,
} from "./modelCodec.ts";
export {
  MODEL_STATUSES,
  type ModelStatus,
  type ModelTermsFields,
  packModelTerms,
  unpackModelTerms,
} from "./modelTerms.ts";
export {
  FEE_PAYMENT_TYPES,
  type FeePaymentFields,
  feePaymentDigest,
  feePaymentTypedData,
  PERMIT2_ADDRESS,
} from "./permit2.ts";
export { type ComparisonRule, describeProfile, packProfile, unpackProfile } from "./profile.ts";
export { type Proposal, proposalHash } from "./proposal.ts";
export {
  packRequest,
  type RequestFields,
  type RequestFundsFields,
  type RequestWords,
  requestId,
  unpackFunds,
  unpackRequest,
} from "./request.ts";
export {
  type CompactSignature,
  fromCompactSignature,
  InvalidSignatureError,
  toCompactSignature,
} from "./signature.ts";
export { unpackSigners } from "./signers.ts";
export {
  type DrawParameters,
  drawnFromRound,
  drawSeed,
  drawTicket,
  isDrawn,
  MAX_ROUND,
  roundAt,
  roundStartsAt,
} from "./sortition.ts";
