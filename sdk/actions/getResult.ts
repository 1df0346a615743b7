import type { Address, BlockNumber, BlockTag, Chain, Client, Hex, Transport } from "viem";
import { getContractEvents } from "viem/actions";
import { inferenceOracleAbi } from "../abi/inferenceOracle.ts";
import { unpackFunds } from "../request.ts";
import { unpackSigners } from "../signers.ts";

/** How a request ended. */
export type RequestResult = SettledResult | ExpiredResult;

/** A quorum agreed on `output`. */
export interface SettledResult {
  status: "settled";
  requestId: Hex;
  output: Hex;
  /** Operator ids of those that attested it, increasing. */
  signers: number[];
  /** Wei of the gas reserve that went to who submitted; the rest is the consumer's credit. */
  gasPaid: bigint;
  /**
   * Whether the consumer took the output. `failed`: its callback reverted with `callbackReason` (the first bytes;
   * see `explainReason`), and `redeliver` may try again.
   */
  callback: "delivered" | "failed" | "redelivered";
  callbackReason?: Hex;
  blockNumber: bigint;
  transactionHash: Hex;
}

/** Nobody answered in time, or a challenge ended without a verdict; the payment is the consumer's credit. */
export interface ExpiredResult {
  status: "expired";
  requestId: Hex;
  /** Token units. */
  feeRefunded: bigint;
  /** Wei. */
  gasReserveRefunded: bigint;
  blockNumber: bigint;
  transactionHash: Hex;
}

export interface GetResultParameters {
  oracle: Address;
  requestId: Hex;
  /** Where to start searching; all blocks by default, which public RPC endpoints may refuse. */
  fromBlock?: BlockNumber | BlockTag;
}

/** How a request ended, from its logs; undefined while it has not. */
export async function getResult(
  client: Client<Transport, Chain | undefined>,
  { oracle, requestId, fromBlock = "earliest" }: GetResultParameters,
): Promise<RequestResult | undefined> {
  const search = {
    abi: inferenceOracleAbi,
    address: oracle,
    args: { requestId },
    fromBlock,
    toBlock: "latest",
    strict: true,
  } as const;
  const [[settled], [expired], [failed], [redelivered]] = await Promise.all([
    getContractEvents(client, { ...search, eventName: "RequestSettled" }),
    getContractEvents(client, { ...search, eventName: "RequestExpired" }),
    getContractEvents(client, { ...search, eventName: "CallbackFailed" }),
    getContractEvents(client, { ...search, eventName: "Redelivered" }),
  ]);
  if (settled) {
    return {
      status: "settled",
      requestId,
      output: settled.args.output,
      signers: unpackSigners(settled.args.signers),
      gasPaid: settled.args.gasPaid,
      callback: redelivered ? "redelivered" : failed ? "failed" : "delivered",
      ...(failed ? { callbackReason: failed.args.reason } : {}),
      blockNumber: settled.blockNumber as bigint,
      transactionHash: settled.transactionHash as Hex,
    };
  }
  if (!expired) return undefined;
  const refunded = unpackFunds(expired.args.refunded);
  return {
    status: "expired",
    requestId,
    feeRefunded: refunded.fee,
    gasReserveRefunded: refunded.gasReserve,
    blockNumber: expired.blockNumber as bigint,
    transactionHash: expired.transactionHash as Hex,
  };
}
