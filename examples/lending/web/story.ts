import { type OpenedRequest, openedRequests, type SettledResult } from "@sibyl/sdk";
import {
  type Abi,
  type Address,
  BaseError,
  ChainMismatchError,
  ContractFunctionRevertedError,
  formatEther,
  type Hex,
  UserRejectedRequestError,
} from "viem";
import type { Connection, Sender } from "./connect.ts";
import { element, show } from "./dom.ts";

/**
 * Tells a request's story on the page, in `#status`: asked, answered by whom, or overdue, and then the way to the refund.
 *
 * @param send Sends the transaction that asks.
 * @returns the answer, or null once the payment is back.
 */
export async function tellStory(
  { client, network, ...connection }: Connection,
  contract: { abi: Abi; address: Address },
  send: (sender: Sender) => Promise<Hex>,
): Promise<SettledResult | null> {
  // One for the whole story: a refund belongs to whoever paid.
  const sender = connection.sender();
  say("asking", "Waiting for the transaction that asks…");
  const receipt = await client.waitForTransactionReceipt({ hash: await send(sender) });
  const [request] = openedRequests(receipt.logs, network.oracle);
  if (request === undefined) throw new Error(`transaction ${receipt.transactionHash} asked nothing`);
  const seconds = request.fields.deadline - request.fields.openedAt;
  say("asked", `Asked. Three operators run the model now; they have ${seconds} seconds.`);
  const result = await client.waitForAnswer({ request });
  if (result.status === "overdue" || result.status === "expired") {
    await refund(sender, contract, request);
    return null;
  }
  const { timestamp } = await client.getBlock({ blockNumber: result.blockNumber });
  const took = Number(timestamp) - request.fields.openedAt;
  say("answered", `Answered after ${took} s, signed by operators ${result.signers.join(", ")}.`);
  return result;
}

/** Offers the refund, and waits until it is taken. */
async function refund(
  sender: Sender,
  contract: { abi: Abi; address: Address },
  request: OpenedRequest,
): Promise<void> {
  say("overdue", "Nobody answered in time. Nothing is lost: the whole payment can be claimed.");
  const button = element("refund", HTMLButtonElement);
  show(button, true);
  await new Promise((resolve) => button.addEventListener("click", resolve, { once: true }));
  show(button, false);
  // Anybody may expire it, and whoever did: the payment is the asker's.
  if ((await sender.getRequestStatus({ requestId: request.requestId })) === "open")
    await sender.waitForTransactionReceipt({ hash: await sender.expire({ words: request.words }) });
  const owed = await sender.readContract({
    ...contract,
    functionName: "refundWei",
    args: [sender.account.address],
  });
  const hash = await sender.writeContract({ ...contract, functionName: "claimRefund" });
  await sender.waitForTransactionReceipt({ hash });
  say("refunded", `Refunded ${formatEther(owed as bigint)} ETH.`);
}

/** Runs what a button starts: the button waits meanwhile, and a failure is said and not lost. */
export function onClick(target: string | HTMLButtonElement, action: () => Promise<void>): void {
  const button = typeof target === "string" ? element(target, HTMLButtonElement) : target;
  button.addEventListener("click", async () => {
    button.disabled = true;
    // At once, so that what the last click came to is not taken for what this one does.
    say("idle", "");
    try {
      await action();
    } catch (error) {
      say("failed", explain(error));
    } finally {
      button.disabled = false;
    }
  });
}

/** A contract's own error by its name and values, what a wallet refuses in words, anything else by its message. */
function explain(error: unknown): string {
  if (!(error instanceof BaseError)) return (error as Error).message;
  if (error.walk((cause) => cause instanceof UserRejectedRequestError) !== null)
    return "You refused it in your wallet. Nothing was sent.";
  const elsewhere = error.walk((cause) => cause instanceof ChainMismatchError);
  if (elsewhere !== null) return "Your wallet is on another chain. Switch it, and try again.";
  const revert = error.walk((cause) => cause instanceof ContractFunctionRevertedError);
  if (!(revert instanceof ContractFunctionRevertedError) || revert.data === undefined)
    return error.shortMessage;
  const { errorName, args = [] } = revert.data;
  return `The contract refuses: ${errorName}(${args.join(", ")})`;
}

function say(state: string, text: string): void {
  const status = element("status", HTMLElement);
  status.dataset.state = state;
  status.textContent = text;
}
