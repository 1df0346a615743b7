import { inferenceOracleAbi, juryArbiterAbi, modelRegistryAbi, operatorRegistryAbi } from "@sibyl/sdk";
import { getAbiItem, toEventSelector } from "viem";

const oracle = { abi: inferenceOracleAbi } as const;
const operators = { abi: operatorRegistryAbi } as const;
const models = { abi: modelRegistryAbi } as const;
const arbiter = { abi: juryArbiterAbi } as const;

/** Says whose events are followed from then on; nobody acts on it. */
export const ARBITER_LISTED = getAbiItem({ ...oracle, name: "ArbiterListed" });

/** The events that a node follows, by the contract that alone may emit them. */
export const EVENT_ABI = {
  oracle: [
    getAbiItem({ ...oracle, name: "RequestOpened" }),
    getAbiItem({ ...oracle, name: "RequestSettled" }),
    getAbiItem({ ...oracle, name: "OutputProposed" }),
    getAbiItem({ ...oracle, name: "ProposalSuspended" }),
    getAbiItem({ ...oracle, name: "CallbackFailed" }),
    getAbiItem({ ...oracle, name: "Redelivered" }),
    getAbiItem({ ...oracle, name: "RequestExpired" }),
  ],
  operatorRegistry: [
    getAbiItem({ ...operators, name: "OperatorRegistered" }),
    getAbiItem({ ...operators, name: "EndpointChanged" }),
    getAbiItem({ ...operators, name: "AttesterRotated" }),
    getAbiItem({ ...operators, name: "EnrolmentChanged" }),
  ],
  modelRegistry: [
    getAbiItem({ ...models, name: "ModelPublished" }),
    getAbiItem({ ...models, name: "ManifestURIChanged" }),
  ],
  arbiter: [
    getAbiItem({ ...arbiter, name: "ProposalChallenged" }),
    getAbiItem({ ...arbiter, name: "ProposalUpheld" }),
    getAbiItem({ ...arbiter, name: "ProposalOverturned" }),
    getAbiItem({ ...arbiter, name: "DisputeLapsed" }),
  ],
} as const;

/** First topics of all followed events: what `eth_getLogs` is filtered by. */
export const EVENT_TOPICS = [
  ...Object.values(EVENT_ABI).flatMap((events) => events.map((event) => toEventSelector(event))),
  toEventSelector(ARBITER_LISTED),
];
