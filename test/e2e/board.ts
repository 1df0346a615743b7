import {
  decodeClassification,
  getRequestStatus,
  inferenceOracleAbi,
  type RequestWords,
  unpackRequest,
} from "@sibyl/sdk";
import { type Address, type Hex, parseEventLogs, type TransactionReceipt } from "viem";
import { type BoardPolicy, deployMessageBoard } from "../../scripts/network/deployMessageBoard.ts";
import { author } from "../../scripts/network/devAccounts.ts";
import { messageBoardAbi } from "../../scripts/network/messageBoardAbi.ts";
import type { Operator } from "../../scripts/network/operator.ts";
import type { Network } from "../../scripts/network/startNetwork.ts";
import { until } from "../../scripts/network/until.ts";

export const HAM = "The patch for the kernel module is attached, please review it before the next release.";
export const SPAM =
  "FREE money!!! Click here to claim your guaranteed prize, no obligation, limited time offer!";

/** Milliseconds that an answer may take on a busy machine. */
const ANSWER_TIMEOUT_MS = 60_000;

export interface Posted {
  requestId: Hex;
  request: RequestWords;
  paidWei: bigint;
  receipt: TransactionReceipt;
}

export interface Settled {
  transaction: Hex;
  signers: number[];
  output: Hex;
  label: number;
  gasPaid: bigint;
  receipt: TransactionReceipt;
}

export const deployBoard = (network: Network, policy: Partial<BoardPolicy>): Promise<Address> =>
  deployMessageBoard(network.client, network.artifacts, network.protocol.oracle, network.model.modelId, {
    committeeSize: 3,
    quorum: 3,
    lifetimeSeconds: 60,
    ...policy,
  });

/** Posts to a board, paying what it asks for. */
export async function post({ client }: Network, board: Address, text: string): Promise<Posted> {
  const contract = { abi: messageBoardAbi, address: board } as const;
  const paidWei = await client.reader.readContract({ ...contract, functionName: "postFee", args: [text] });
  const hash = await client
    .as(author())
    .writeContract({ ...contract, functionName: "post", args: [text], value: paidWei });
  const receipt = await client.mined(hash, "post");
  const [opened] = parseEventLogs({
    abi: inferenceOracleAbi,
    eventName: "RequestOpened",
    logs: receipt.logs,
  });
  if (opened === undefined) throw new Error(`no request in ${hash}`);
  return { requestId: opened.args.requestId, request: opened.args.request, paidWei, receipt };
}

/**
 * Waits for the chain's word that a request is settled.
 *
 * @throws Error with what each operator says of it, when it is not in time. The network's logs and data are then kept.
 */
export async function settled(network: Network, { requestId, receipt }: Posted): Promise<Settled> {
  const { client, protocol } = network;
  const event = await until(
    `request ${requestId} to be settled`,
    async () => {
      const [found] = await client.reader.getContractEvents({
        abi: inferenceOracleAbi,
        address: protocol.oracle,
        eventName: "RequestSettled",
        args: { requestId },
        fromBlock: receipt.blockNumber,
        strict: true,
      });
      return found;
    },
    { timeoutMs: ANSWER_TIMEOUT_MS },
  ).catch(async (cause: Error) => {
    network.keepFolder();
    const said = await Promise.all(network.operators.map((operator) => whatItSays(operator, requestId)));
    throw new Error([cause.message, ...said, `logs and data: ${network.folder}`].join("\n"), { cause });
  });
  const { signers, output, gasPaid } = event.args;
  return {
    transaction: event.transactionHash,
    signers: idsIn(signers),
    output,
    label: decodeClassification(output).label,
    gasPaid,
    receipt: await client.reader.getTransactionReceipt({ hash: event.transactionHash }),
  };
}

async function whatItSays(operator: Operator, requestId: Hex): Promise<string> {
  const [explanation, status] = await Promise.all(
    [operator.explain(requestId), operator.status()].map((asked) => asked.catch(String)),
  );
  return `${operator.name}: ${JSON.stringify({ explanation, status })}`;
}

/** What became of a post, as `postStatus` says it. */
export const PENDING = 1;
export const PUBLISHED = 2;
export const HELD = 3;
export const EXPIRED = 4;

/** What became of a post: what the board's callback made of the answer, else what the oracle says of the request. */
export async function postStatus(
  { client, protocol }: Network,
  board: Address,
  { requestId }: Posted,
): Promise<number> {
  const published = await client.reader.readContract({
    abi: messageBoardAbi,
    address: board,
    functionName: "isPublished",
    args: [requestId],
  });
  const status = await getRequestStatus(client.reader, { oracle: protocol.oracle, requestId });
  if (published) return PUBLISHED;
  if (status === "settled") return HELD;
  if (status === "open") return PENDING;
  if (status === "none") return EXPIRED;
  throw new Error(`the post of ${requestId} is ${status}`);
}

/** Waits until a request's deadline has passed on chain. */
export async function overdue({ client }: Network, { request, requestId }: Posted): Promise<void> {
  const { deadline, openedAt } = unpackRequest(request);
  await until(
    `the deadline of ${requestId}`,
    async () => ((await client.reader.getBlock()).timestamp > BigInt(deadline) ? true : null),
    { timeoutMs: (deadline - openedAt) * 1_000 + 30_000 },
  );
}

/** Eight ids of 32 bits, the first one highest; 0 stands for none. */
function idsIn(signers: bigint): number[] {
  const hex = signers.toString(16).padStart(64, "0");
  const ids = Array.from({ length: 8 }, (_, place) =>
    Number.parseInt(hex.slice(place * 8, place * 8 + 8), 16),
  );
  return ids.filter((id) => id !== 0);
}
