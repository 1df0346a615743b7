import type { Address, Chain, Client, Transport } from "viem";
import { getChainId, getCode, readContract } from "viem/actions";
import { inferenceOracleAbi } from "../abi/inferenceOracle.ts";
import { NoOracleError } from "./oracleErrors.ts";

/**
 * Makes sure that a Sibyl oracle stands behind an address on the client's chain, before anything is sent to it.
 *
 * @throws NoOracleError when the address holds no code, or a contract that is no oracle of this version: a devnet's
 * address on another chain, a typing error, an account.
 */
export async function checkOracle(
  client: Client<Transport, Chain | undefined>,
  { oracle }: { oracle: Address },
): Promise<void> {
  const [chainId, code] = await Promise.all([getChainId(client), getCode(client, { address: oracle })]);
  if (code === undefined || code === "0x") {
    throw new NoOracleError("There is no contract at the oracle's address.", {
      details: `${oracle} on chain ${chainId}`,
    });
  }
  let found: string;
  let cause: unknown;
  try {
    const domain = await readContract(client, {
      abi: inferenceOracleAbi,
      address: oracle,
      functionName: "eip712Domain",
    });
    const [, name, version, domainChainId] = domain;
    if (name === "Sibyl" && version === "1" && domainChainId === BigInt(chainId)) return;
    found = `EIP-712 domain ${name} ${version} on chain ${domainChainId}`;
  } catch (error) {
    found = "no EIP-712 domain";
    cause = error;
  }
  throw new NoOracleError("The contract at the oracle's address is no Sibyl oracle of this version.", {
    details: `${oracle} on chain ${chainId} has ${found}`,
    cause,
  });
}
