import type { Address } from "viem";
import { author } from "../network/devAccounts.ts";
import { messageBoardAbi } from "../network/messageBoardAbi.ts";
import type { Network } from "../network/startNetwork.ts";

/**
 * Takes the refund of expired messages out of the board.
 *
 * @returns wei that the author's account grew by, the claim's own gas left out: measured, not what a contract says.
 */
export async function claimRefund(network: Network, board: Address): Promise<bigint> {
  const { client } = network;
  const { address } = author();
  const before = await client.reader.getBalance({ address });
  const hash = await client.as(author()).writeContract({
    abi: messageBoardAbi,
    address: board,
    functionName: "claimRefund",
  });
  const { gasUsed, effectiveGasPrice, blockNumber } = await client.mined(hash, "claiming the refund");
  return (await client.reader.getBalance({ address, blockNumber })) - before + gasUsed * effectiveGasPrice;
}
