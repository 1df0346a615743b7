import {
  disputeId as hashDispute,
  requestId as hashRequest,
  openingDemandId,
  unpackEnrolment,
} from "@sibyl/sdk";
import { keccak256 } from "@sibyl/sdk/keccak256";
import { type AbiEvent, type Address, decodeEventLog, type Hex, isAddressEqual, toEventSelector } from "viem";
import type { Arbiter } from "../core/dispute.ts";
import { EVENT_ABI } from "./eventAbi.ts";
import type { ChainEvent, LogPosition } from "./port.ts";
import type { RawLog } from "./rawLog.ts";

/** Addresses of the contracts whose events are followed. */
export interface FollowedContracts {
  oracle: Address;
  operatorRegistry: Address;
  modelRegistry: Address;
}

/** Finds a listed jury by its address. */
export type FindArbiter = (address: Address) => Arbiter | undefined;

const NO_ARBITERS: FindArbiter = () => undefined;

type Fields = ChainEvent extends infer Event
  ? Event extends ChainEvent
    ? Omit<Event, "position">
    : never
  : never;

/** Contracts that alone may emit an event, by the name that `EVENT_ABI` gives them; juries are apart. */
type Emitter = Exclude<keyof typeof EVENT_ABI, "arbiter">;

/** Names and arguments of one contract's events, as viem decodes them. */
type Decoded<Name extends keyof typeof EVENT_ABI> = ReturnType<
  typeof decodeEventLog<(typeof EVENT_ABI)[Name]>
>;

/** Events by selector, because to tell one by its ABI costs a hash for each that it is not. */
const EVENTS = {
  oracle: bySelector(EVENT_ABI.oracle),
  operatorRegistry: bySelector(EVENT_ABI.operatorRegistry),
  modelRegistry: bySelector(EVENT_ABI.modelRegistry),
  openingCourt: bySelector(EVENT_ABI.openingCourt),
  arbiter: bySelector(EVENT_ABI.arbiter),
} as const;

function bySelector(events: readonly AbiEvent[]): ReadonlyMap<Hex, AbiEvent> {
  return new Map(events.map((event) => [toEventSelector(event), event]));
}

/** An ABI of one event, in the type of all of its contract's: the selector has told which one it is. */
const only = <Name extends keyof typeof EVENT_ABI>(event: AbiEvent) =>
  [event] as unknown as (typeof EVENT_ABI)[Name];

/**
 * Decodes one log of one of our contracts and checks what can be checked from the log alone: that a request hashes
 * to its id and its input to `inputHash`, a dispute and a demand to theirs.
 *
 * @param courts The opening courts, of which there may be several.
 * @returns null for a log that nobody asked for: another contract's, or an event that the node does not follow.
 * A log that claims to be a followed event and cannot be it comes back as `Malformed`; nothing is thrown.
 */
export function decodeLog(
  contracts: FollowedContracts,
  log: RawLog,
  arbiterAt: FindArbiter = NO_ARBITERS,
  courts: readonly Address[] = [],
): ChainEvent | null {
  const arbiter = arbiterAt(log.address);
  const contract = contractOf(contracts, courts, log.address) ?? (arbiter === undefined ? null : "arbiter");
  if (!contract) return null;
  const event = EVENTS[contract].get(log.topics[0] as Hex);
  if (!event) return null;
  const position: LogPosition = {
    blockNumber: log.blockNumber,
    blockHash: log.blockHash,
    transactionHash: log.transactionHash,
    logIndex: log.logIndex,
  };
  const malformed = (reason: string): ChainEvent => ({
    type: "Malformed",
    address: log.address,
    eventName: event.name,
    reason,
    position,
  });
  try {
    const fields =
      contract === "arbiter"
        ? arbiterFields(log, event, arbiter as Arbiter)
        : decodeFields(contract, log, event);
    return typeof fields === "string" ? malformed(fields) : { ...fields, position };
  } catch (error) {
    return malformed(error instanceof Error ? error.message : String(error));
  }
}

function contractOf(
  contracts: FollowedContracts,
  courts: readonly Address[],
  address: Address,
): Emitter | null {
  if (isAddressEqual(address, contracts.oracle)) return "oracle";
  if (isAddressEqual(address, contracts.operatorRegistry)) return "operatorRegistry";
  if (isAddressEqual(address, contracts.modelRegistry)) return "modelRegistry";
  if (courts.some((court) => isAddressEqual(address, court))) return "openingCourt";
  return null;
}

/** A string says what is wrong. */
function decodeFields(contract: Emitter, log: RawLog, event: AbiEvent): Fields | string {
  const topics = log.topics as [RawLog["topics"][number], ...RawLog["topics"]];
  const decode = { topics, data: log.data, strict: true } as const;
  switch (contract) {
    case "oracle":
      return oracleFields(decodeEventLog({ abi: only<"oracle">(event), ...decode }));
    case "operatorRegistry":
      return operatorRegistryFields(decodeEventLog({ abi: only<"operatorRegistry">(event), ...decode }));
    case "modelRegistry":
      return modelRegistryFields(decodeEventLog({ abi: only<"modelRegistry">(event), ...decode }));
    case "openingCourt":
      return openingCourtFields(log.address, decodeEventLog({ abi: only<"openingCourt">(event), ...decode }));
  }
}

function arbiterFields(log: RawLog, known: AbiEvent, arbiter: Arbiter): Fields | string {
  const topics = log.topics as [RawLog["topics"][number], ...RawLog["topics"]];
  const event = decodeEventLog({ abi: only<"arbiter">(known), topics, data: log.data, strict: true });
  const { disputeId, requestId } = event.args;
  switch (event.eventName) {
    case "ProposalChallenged": {
      const { dispute, challenger } = event.args;
      if (hashDispute(arbiter.address, requestId, dispute) !== disputeId)
        return "the dispute does not hash to its id";
      if (!isAddressEqual(dispute.challenger, challenger))
        return "the indexed challenger is not the dispute's";
      if (BigInt(dispute.challengedBlock) !== log.blockNumber) return "the dispute is of another block";
      return { type: "ProposalChallenged", disputeId, requestId, dispute, arbiter };
    }
    case "ProposalUpheld":
      return { type: "ProposalUpheld", disputeId, requestId, jurors: unpackSigners(event.args.jurors) };
    case "ProposalOverturned": {
      const { jurors, outputHash } = event.args;
      return { type: "ProposalOverturned", disputeId, requestId, jurors: unpackSigners(jurors), outputHash };
    }
    case "DisputeLapsed":
      return { type: "DisputeLapsed", disputeId, requestId };
  }
}

function oracleFields(event: Decoded<"oracle">): Fields | string {
  const { requestId } = event.args;
  switch (event.eventName) {
    case "RequestOpened": {
      const { request, input, modelId } = event.args;
      if (hashRequest(request) !== requestId) return "the request does not hash to its id";
      if (keccak256(input) !== request.inputHash) return "the input does not hash to the request's inputHash";
      if (request.modelId !== modelId) return "the indexed modelId is not the request's";
      return { type: "RequestOpened", requestId, request, input };
    }
    case "RequestSettled": {
      const { signers, gasPaid, output } = event.args;
      return { type: "RequestSettled", requestId, signers: unpackSigners(signers), gasPaid, output };
    }
    case "OutputProposed": {
      const { proposal, output } = event.args;
      if (keccak256(output) !== proposal.outputHash) return "the output does not hash to the proposal's";
      return { type: "OutputProposed", requestId, proposal, output };
    }
    case "ProposalSuspended":
      return { type: "ProposalSuspended", requestId };
    case "CallbackFailed":
      return { type: "CallbackFailed", requestId, reason: event.args.reason };
    case "Redelivered":
      return { type: "Redelivered", requestId };
    case "RequestExpired":
      return { type: "RequestExpired", requestId };
  }
}

function operatorRegistryFields(event: Decoded<"operatorRegistry">): Fields {
  if (event.eventName === "JudgeTrusted") return { type: "JudgeTrusted", judge: event.args.judge };
  const { operatorId } = event.args;
  switch (event.eventName) {
    case "OperatorRegistered": {
      const { owner, attester, endpoint } = event.args;
      return { type: "OperatorRegistered", operatorId, owner, attester, endpoint };
    }
    case "EndpointChanged":
      return { type: "EndpointChanged", operatorId, endpoint: event.args.endpoint };
    case "AttesterRotated":
      return { type: "AttesterRotated", operatorId, attester: event.args.attester };
    case "EnrolmentChanged":
      return {
        type: "EnrolmentChanged",
        modelId: event.args.modelId,
        operatorId,
        ...unpackEnrolment(event.args.enrolment),
      };
    case "EquivocationSlashed": {
      const { requestId, reporter, amount: amountWei, reward: rewardWei } = event.args;
      return { type: "EquivocationSlashed", operatorId, requestId, reporter, amountWei, rewardWei };
    }
  }
}

function openingCourtFields(court: Address, event: Decoded<"openingCourt">): Fields | string {
  const { demandId } = event.args;
  switch (event.eventName) {
    case "OpeningDemanded": {
      const { demand, demander, operatorId, deadline } = event.args;
      if (openingDemandId(demand) !== demandId) return "the demand does not hash to its id";
      if (demand.operatorId !== operatorId) return "the indexed operatorId is not the demand's";
      return { type: "OpeningDemanded", court, demandId, demander, demand, deadline: Number(deadline) };
    }
    case "CommitmentOpened":
      return { type: "CommitmentOpened", court, demandId };
    case "OpeningMissed": {
      const { amount: amountWei, reward: rewardWei } = event.args;
      return { type: "OpeningMissed", court, demandId, amountWei, rewardWei };
    }
  }
}

function modelRegistryFields(event: Decoded<"modelRegistry">): Fields {
  const { modelId, manifestURI } = event.args;
  switch (event.eventName) {
    case "ModelPublished": {
      const { publisher, profile } = event.args;
      return { type: "ModelPublished", modelId, publisher, manifestURI, profile };
    }
    case "ManifestURIChanged":
      return { type: "ManifestURIChanged", modelId, manifestURI };
  }
}

/** Eight operator ids of 32 bits, the first one highest; ids start at 1, so zeros are empty places. */
function unpackSigners(word: bigint): number[] {
  const ids: number[] = [];
  for (let shift = 224n; shift >= 0n; shift -= 32n) {
    const id = Number((word >> shift) & 0xffff_ffffn);
    if (id !== 0) ids.push(id);
  }
  return ids;
}
