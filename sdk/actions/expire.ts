import type { Account, Address, Chain, Client, Hex, Transport } from "viem";
import { simulateContract, writeContract } from "viem/actions";
import { inferenceOracleAbi } from "../abi/inferenceOracle.ts";
import type { RequestWords } from "../request.ts";
import { withRevertReasons } from "./explainRevert.ts";
import { type SenderParameters, sendingAccount } from "./sendingAccount.ts";

/**
 * Closes a request whose deadline has passed; all of its payment becomes the consumer's credit. Anyone may.
 *
 * @returns The transaction's hash.
 * @throws NoAccountError, or CallRevertedError, for example `DeadlineNotPassed`, before anything is sent.
 */
export async function expire(
  client: Client<Transport, Chain | undefined, Account | undefined>,
  { oracle, words, account }: SenderParameters & { oracle: Address; words: RequestWords },
): Promise<Hex> {
  const sender = sendingAccount(client, account);
  return withRevertReasons(async () => {
    const { request } = await simulateContract(client, {
      abi: inferenceOracleAbi,
      address: oracle,
      functionName: "expire",
      args: [words],
      account: sender,
    });
    return writeContract(client, request as never);
  });
}
