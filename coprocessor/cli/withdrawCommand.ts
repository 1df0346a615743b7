import { inferenceOracleAbi, operatorRegistryAbi } from "@sibyl/sdk";
import { Command } from "commander";
import { type Address, formatUnits, getAddress, isAddress, type LocalAccount, zeroAddress } from "viem";
import { readAttesterSource } from "../config/attesterConfig.ts";
import { CoprocessorError } from "../core/errors.ts";
import { connectAccount, connectOwner } from "./ownerClient.ts";

type Client = Awaited<ReturnType<typeof connectAccount>>;

export function withdrawCommand(): Command {
  return new Command("withdraw")
    .description(
      "Pays out what is owed: an operator's earnings to OWNER_KEY, and the credit (bonds that came back) and rewards of each account whose key is set: OWNER_KEY, and the attester's or watcher's as `node` finds it. Needs RPC_URL, ORACLE_ADDRESS.",
    )
    .requiredOption("--to <address>", "who gets it")
    .option("--token <address>", "an ERC-20 token in place of the native coin; rewards are always native")
    .action(async (options: { to: string; token?: string }) => {
      const to = addressOf("--to", options.to);
      const token = options.token === undefined ? zeroAddress : addressOf("--token", options.token);
      const clients = await openClients();
      let paid = 0;
      for (const client of clients) paid += await payOut(client, to, token);
      if (paid === 0) console.log("nothing to withdraw");
    });
}

/** One for each key in the environment; at least one. */
async function openClients(): Promise<Client[]> {
  const clients: Client[] = [];
  if ((process.env.OWNER_KEY ?? "") !== "") clients.push(await connectOwner(process.env));
  const hasAttester = ["ATTESTER_KEY", "ATTESTER_KEYSTORE", "ATTESTER_SIGNER_URL"].some(
    (name) => (process.env[name] ?? "") !== "",
  );
  if (hasAttester) {
    const source = readAttesterSource(process.env);
    // Only now: the owner alone needs none of what it loads.
    const { openAttesterKey } = await import("../compose/attesterKey.ts");
    const { account } = await openAttesterKey(source);
    clients.push(await connectAccount(process.env, account as LocalAccount));
  }
  if (clients.length > 0) return clients;
  throw new CoprocessorError("neither OWNER_KEY nor an attester's key is set", {
    code: "config/invalid",
    retry: "never",
  });
}

/** @returns how many ledgers had something. */
async function payOut(client: Client, to: Address, token: Address): Promise<number> {
  const { account, oracle, operatorRegistry, publicClient, wallet, confirm } = client;
  const vault = { address: oracle, abi: inferenceOracleAbi } as const;
  const registry = { address: operatorRegistry, abi: operatorRegistryAbi } as const;
  const { address } = account;
  let paid = 0;
  const tell = (what: string, amount: bigint) => {
    paid += 1;
    // Tokens have decimals of their own, so of them the units are told.
    const text = token === zeroAddress ? `${formatUnits(amount, 18)} coins` : `${amount} units of ${token}`;
    console.log(`${what} of ${address}: ${text} to ${to}`);
  };

  const operatorId = await publicClient.readContract({
    ...registry,
    functionName: "operatorOfOwner",
    args: [address],
  });
  if (operatorId !== 0) {
    const earned = await publicClient.readContract({
      ...vault,
      functionName: "earningsOf",
      args: [operatorId, token],
    });
    if (earned > 0n) {
      const args = [operatorId, token, to] as const;
      await confirm(await wallet.writeContract({ ...vault, functionName: "withdrawEarnings", args }));
      tell(`earnings of operator ${operatorId}`, earned);
    }
  }
  const credit = await publicClient.readContract({
    ...vault,
    functionName: "creditOf",
    args: [address, token],
  });
  if (credit > 0n) {
    const args = [token, to, credit] as const;
    await confirm(await wallet.writeContract({ ...vault, functionName: "withdrawCredit", args }));
    tell("credit", credit);
  }
  if (token !== zeroAddress) return paid;
  const rewards = await publicClient.readContract({
    ...registry,
    functionName: "rewardsOf",
    args: [address],
  });
  if (rewards > 0n) {
    await confirm(await wallet.writeContract({ ...registry, functionName: "withdrawRewards", args: [to] }));
    tell("rewards", rewards);
  }
  return paid;
}

function addressOf(option: string, text: string): Address {
  if (isAddress(text, { strict: false })) return getAddress(text);
  throw new CoprocessorError(`${option} must be 0x and 40 hex digits`, {
    code: "config/invalid",
    retry: "never",
  });
}
