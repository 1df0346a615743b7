import { packRequest, unpackRequest } from "@sibyl/sdk";
import type { Hex } from "viem";
import type { ChainEvent } from "../../../coprocessor/chain/port.ts";
import { address, block, hash, requestRecord } from "../store/fixtures.ts";

export const US = 7;

/** Where an event of a block stands. */
export const at = (blockNumber: bigint) => ({
  blockNumber,
  blockHash: block(blockNumber).hash,
  transactionHash: hash(`transaction ${blockNumber}`),
  logIndex: 0,
});

/** Opens a request of the fixtures, by its label; everybody with a seat is drawn for it. @param deadline Unix seconds. */
export function opening(
  label: string,
  blockNumber: bigint,
  deadline: number,
): ChainEvent & { requestId: Hex } {
  const { requestId, request, input } = requestRecord(label);
  const fields = {
    ...unpackRequest({ ...request, terms: 0n, opening: 0n, funds: 0n }),
    ...{ quorum: 1, committeeSize: 1, totalWeight: 100n, overdrawBps: 15_000 },
    ...{ openedAt: block(blockNumber).timestamp, deadline },
  };
  return {
    type: "RequestOpened",
    requestId,
    request: packRequest(fields),
    input,
    position: at(blockNumber),
  };
}

/** We take a seat for the model of the fixtures' requests; without weight, we leave it. */
export const seat = (blockNumber: bigint, weight: bigint): ChainEvent => ({
  type: "EnrolmentChanged",
  modelId: requestRecord("a").request.modelId,
  operatorId: US,
  attester: address("us"),
  weight,
  activeFrom: 0,
  position: at(blockNumber),
});
