import type { Address, Chain, Client, Hex, Transport } from "viem";
import { readContract } from "viem/actions";
import { inferenceOracleAbi } from "../abi/inferenceOracle.ts";

/** Whether `output` is, byte for byte, what settled a request; one `eth_call`. */
export async function verifyOutput(
  client: Client<Transport, Chain | undefined>,
  { oracle, requestId, output }: { oracle: Address; requestId: Hex; output: Hex },
): Promise<boolean> {
  return readContract(client, {
    abi: inferenceOracleAbi,
    address: oracle,
    functionName: "verifyOutput",
    args: [requestId, output],
  });
}
