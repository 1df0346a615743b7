import { fromWad, inferenceOracleAbi, unpackRequest } from "@sibyl/sdk";
import {
  BaseError,
  createPublicClient,
  createWalletClient,
  formatEther,
  http,
  parseEventLogs,
  type TransactionReceipt,
} from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { messageBoardAbi } from "./messageBoardAbi.ts";
import { readNetwork } from "./network.ts";

/** Milliseconds between looks at the chain. */
const POLL_MS = 200;

try {
  process.exitCode = await main(process.argv.slice(2).join(" "));
} catch (error) {
  console.error(error instanceof BaseError ? error.shortMessage : (error as Error).message);
  process.exitCode = 1;
}

/** Posts a message and waits for the judgement. @returns the exit status: 1 when nobody judged in time. */
async function main(text: string): Promise<number> {
  if (text === "") {
    console.error('Say something: npm run ask -- "your message"');
    return 2;
  }
  const { rpcUrl, board, privateKey } = readNetwork(process.env);
  const reader = createPublicClient({ transport: http(rpcUrl), pollingInterval: POLL_MS });
  const account = privateKeyToAccount(privateKey);
  const wallet = createWalletClient({ account, transport: http(rpcUrl), pollingInterval: POLL_MS });
  const contract = { abi: messageBoardAbi, address: board } as const;

  // Ask: pay what the board says it costs; the request's id and deadline are in the receipt.
  const value = await reader.readContract({ ...contract, functionName: "postFee", args: [text] });
  const hash = await wallet.writeContract({
    ...contract,
    chain: null,
    functionName: "post",
    args: [text],
    value,
  });
  const receipt = await reader.waitForTransactionReceipt({ hash });
  const { requestId, deadline, openedAt } = requestIn(receipt);
  console.log(`posted   request ${requestId}, ${formatEther(value)} ETH at most`);

  // Wait: the board's event comes with the settlement, or the chain's clock passes the deadline.
  for (;;) {
    const [judged] = await reader.getContractEvents({
      ...contract,
      eventName: "Judged",
      args: { requestId },
      fromBlock: receipt.blockNumber,
      strict: true,
    });
    const latest = await reader.getBlock({ blockTag: "latest" });
    if (judged !== undefined) {
      const { timestamp } = await reader.getBlock({ blockHash: judged.blockHash });
      const { published, confidenceWad } = judged.args;
      const verdict = published
        ? "published, the model takes it for ham"
        : "held, the model takes it for spam";
      const confidence = (fromWad(confidenceWad) * 100).toFixed(1);
      console.log(`judged   ${verdict} (${confidence} % sure), ${Number(timestamp) - openedAt} s later`);
      console.log(`settled  in transaction ${judged.transactionHash}`);
      return 0;
    }
    if (latest.timestamp > BigInt(deadline)) {
      console.error(
        "Nobody answered in time. Anyone may call the oracle's expire now; it refunds the whole payment.",
      );
      return 1;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function requestIn({ logs, transactionHash }: TransactionReceipt) {
  const [opened] = parseEventLogs({ abi: inferenceOracleAbi, eventName: "RequestOpened", logs });
  if (opened === undefined) throw new Error(`no request was opened in ${transactionHash}`);
  const { deadline, openedAt } = unpackRequest(opened.args.request);
  return { requestId: opened.args.requestId, deadline, openedAt };
}
