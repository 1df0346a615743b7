import type { Account, Address, Chain, Client, Hex, Transport } from "viem";
import { simulateContract, writeContract } from "viem/actions";
import { inferenceOracleAbi } from "../abi/inferenceOracle.ts";
import type { RequestWords } from "../request.ts";
import { withRevertReasons } from "./explainRevert.ts";
import { type SenderParameters, sendingAccount } from "./sendingAccount.ts";

/**
 * Calls a consumer back again after its callback failed. Anyone may; it succeeds at most once.
 *
 * @param parameters `gas`: the transaction's gas limit. Give it when the callback needs more than estimating finds.
 * @returns The transaction's hash.
 * @throws NoAccountError, or CallRevertedError, for example `NothingToRedeliver` or `RedeliveryFailed`, before
 * anything is sent.
 */
export async function redeliver(
  client: Client<Transport, Chain | undefined, Account | undefined>,
  parameters: SenderParameters & { oracle: Address; words: RequestWords; output: Hex; gas?: bigint },
): Promise<Hex> {
  const { oracle, words, output, gas } = parameters;
  const sender = sendingAccount(client, parameters.account);
  return withRevertReasons(async () => {
    const { request } = await simulateContract(client, {
      abi: inferenceOracleAbi,
      address: oracle,
      functionName: "redeliver",
      args: [words, output],
      account: sender,
      ...(gas === undefined ? {} : { gas }),
    });
    return writeContract(client, request as never);
  });
}
