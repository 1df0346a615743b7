import { type Abi, BaseError, decodeErrorResult, type Hex, isHex } from "viem";
import { inferenceOracleAbi } from "../abi/inferenceOracle.ts";
import { juryArbiterAbi } from "../abi/juryArbiter.ts";
import { modelRegistryAbi } from "../abi/modelRegistry.ts";
import { openingCourtAbi } from "../abi/openingCourt.ts";
import { operatorRegistryAbi } from "../abi/operatorRegistry.ts";
import { CallRevertedError } from "./oracleErrors.ts";

/** Why a contract refused a call. */
export interface RevertReason {
  /** Name of the custom error, for example `FeeAboveMaximum`; `Error` and `Panic` are Solidity's own. */
  name: string;
  /** The error's values by parameter name. */
  args: Readonly<Record<string, unknown>>;
  /** One sentence with the values. */
  message: string;
}

const ERRORS: Abi = [
  ...inferenceOracleAbi,
  ...operatorRegistryAbi,
  ...modelRegistryAbi,
  ...juryArbiterAbi,
  ...openingCourtAbi,
].filter((item) => item.type === "error");

const MODEL_STATUS = ["was never published", "is active", "is retired"];
const REQUEST_STATUS = [
  "not open: it never opened, or expired",
  "open",
  "proposed",
  "settled",
  "settled, its callback failed",
  "challenged",
];

type Args = Readonly<Record<string, unknown>>;

/** Sentences for what callers of the oracle meet; every other error shows its name and values. */
const SENTENCES: Record<string, (args: Args) => string> = {
  ModelNotActive: ({ modelId, status }) =>
    `The model ${modelId} ${MODEL_STATUS[Number(status)] ?? "is not active"}.`,
  TooFewOperators: ({ seats, quorum }) =>
    `Only ${seats} operators serve the model, but the policy wants ${quorum} to agree.`,
  QuorumOutOfBounds: ({ quorum, committeeSize, maximum }) =>
    `A quorum of ${quorum} is not within 1 and the committee size ${committeeSize}, at most ${maximum}.`,
  ChallengeWindowNotOffered: () => "This oracle offers no challenge window; set it to 0.",
  ChallengeWindowTooLong: ({ challengeWindow, maximum }) =>
    `A challenge window of ${challengeWindow} s is longer than ${maximum} s.`,
  CommitteeTooLargeToJudge: ({ committeeSize, maximum }) =>
    `A committee of ${committeeSize} is too large for a challenge window: at most ${maximum}.`,
  QuorumTooLargeToJudge: ({ quorum, maximum }) =>
    `A quorum of ${quorum} is too large for a challenge window: at most ${maximum}.`,
  RequestNotProposed: ({ requestId, status }) =>
    `The request ${requestId} has no proposal that waits: it is ${REQUEST_STATUS[Number(status)] ?? "unknown"}.`,
  RequestNotChallenged: ({ requestId, status }) =>
    `The request ${requestId} is not challenged: it is ${REQUEST_STATUS[Number(status)] ?? "unknown"}.`,
  WrongProposal: ({ requestId }) => `The proposal is not the one that was made for ${requestId}.`,
  ChallengeWindowNotOver: ({ endsAt, timestamp }) =>
    `The output may be challenged until ${endsAt}, it is ${timestamp} (unix seconds).`,
  ChallengeWindowOver: ({ endsAt, timestamp }) =>
    `The output could be challenged until ${endsAt}, it is ${timestamp} (unix seconds).`,
  WrongBond: ({ value, bondWei }) => `A challenge costs exactly ${bondWei} wei, ${value} were attached.`,
  DisputeNotOpen: ({ disputeId }) => `The dispute ${disputeId} is not open.`,
  JurySizeNotMet: ({ attestations, needed }) =>
    `${attestations} attestations given, a jury needs exactly ${needed}.`,
  JurorSignedProposal: ({ operatorId }) => `Operator ${operatorId} signed the proposal and cannot judge it.`,
  VerdictTimeOver: ({ endsAt, timestamp }) =>
    `A jury could decide until ${endsAt}, it is ${timestamp} (unix seconds).`,
  VerdictTimeNotOver: ({ endsAt, timestamp }) =>
    `A jury may decide until ${endsAt}, it is ${timestamp} (unix seconds).`,
  InputTooLong: ({ length, maximum }) => `The input has ${length} bytes, ${maximum} allowed.`,
  CallbackGasTooHigh: ({ callbackGasLimit, maximum }) =>
    `A callback gas limit of ${callbackGasLimit} is above the maximum of ${maximum}.`,
  DeadlineOutOfBounds: ({ deadline, timestamp, latest }) =>
    `The deadline ${deadline} is not after ${timestamp} and up to ${latest} (unix seconds).`,
  FeeAboveMaximum: ({ fee, maxFee }) =>
    `The fee is ${fee}, more than the ${maxFee} that the caller agreed to.`,
  CreditTooLow: ({ credit, needed }) => `The payment is short: credit ${credit}, needed ${needed}.`,
  RequestsArePaused: ({ until }) => `New requests are paused until ${until} (unix seconds).`,
  RequestNotOpen: ({ requestId, status }) =>
    `The request ${requestId} is ${REQUEST_STATUS[Number(status)] ?? "not open"}.`,
  DeadlinePassed: ({ deadline, timestamp }) => `The deadline ${deadline} has passed, it is ${timestamp}.`,
  DeadlineNotPassed: ({ deadline, timestamp }) =>
    `The deadline ${deadline} has not passed, it is ${timestamp}.`,
  QuorumNotMet: ({ attestations, quorum }) => `${attestations} attestations given, exactly ${quorum} needed.`,
  SignerNotDrawn: ({ operatorId, round }) => `Operator ${operatorId} is not drawn in round ${round}.`,
  WrongSignature: ({ operatorId, attester, recovered }) =>
    `Operator ${operatorId}'s signature is by ${recovered}, not by its attester ${attester}.`,
  NothingToRedeliver: ({ requestId, status }) =>
    `The request ${requestId} has no failed callback: it is ${REQUEST_STATUS[Number(status)] ?? "unknown"}.`,
  WrongOutput: ({ requestId }) => `The output is not the one that settled ${requestId}.`,
  RedeliveryFailed: ({ reason }) =>
    `The callback failed again: ${explainReason(reason as Hex)?.message ?? reason}`,
  NotEnoughGas: ({ left, needed }) => `${left} gas is left, the callback needs ${needed}.`,
  Error: ({ message }) => String(message),
  Panic: ({ code }) => `The contract panicked with code ${code}.`,
};

/**
 * Names the custom error behind a failed call.
 *
 * @param error What viem, or an action of this SDK, threw.
 * @returns undefined when the error carries no revert data that is known here.
 */
export function explainRevert(error: unknown): RevertReason | undefined {
  if (error instanceof CallRevertedError) return explainRevert(error.cause);
  const data = revertData(error);
  return data === undefined ? undefined : explainReason(data);
}

/**
 * Names the error in raw revert data, such as the `reason` of a `CallbackFailed` event.
 *
 * @param abi Where to look for errors beside the protocol's own, for example the consumer's.
 * @returns undefined when the data is empty, cut off, or of an error that is known nowhere here.
 */
export function explainReason(data: Hex, abi: Abi = []): RevertReason | undefined {
  let decoded: ReturnType<typeof decodeErrorResult<Abi>>;
  try {
    decoded = decodeErrorResult({ abi: [...ERRORS, ...abi], data });
  } catch {
    return undefined;
  }
  const { errorName: name, abiItem } = decoded;
  const values = (decoded.args ?? []) as readonly unknown[];
  const inputs = "inputs" in abiItem ? abiItem.inputs : [];
  const args = Object.fromEntries(inputs.map((input, at) => [input.name || String(at), values[at]]));
  const shown = Object.entries(args).map(([key, value]) => `${key} ${String(value)}`);
  const message =
    SENTENCES[name]?.(args) ?? (shown.length > 0 ? `${name}: ${shown.join(", ")}.` : `${name}.`);
  return { name, args, message };
}

/** Runs a call and turns a revert with a known reason into a `CallRevertedError`; lets all else pass. */
export async function withRevertReasons<Result>(call: () => Promise<Result>): Promise<Result> {
  try {
    return await call();
  } catch (error) {
    const reason = explainRevert(error);
    if (reason) throw new CallRevertedError(reason.name, reason.message, error);
    throw error;
  }
}

/** The first error of the chain that carries revert data: `raw` of a decoded revert, else `data` of an RPC error. */
function revertData(error: unknown): Hex | undefined {
  let found: Hex | undefined;
  const visit = (one: unknown): boolean => {
    if (typeof one !== "object" || one === null) return false;
    for (const key of ["raw", "data"] as const) {
      const value = (one as Record<string, unknown>)[key];
      if (isHex(value) && value.length >= 10) {
        found = value;
        return true;
      }
    }
    return false;
  };
  if (error instanceof BaseError) error.walk(visit);
  else visit(error);
  return found;
}
