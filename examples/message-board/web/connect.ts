import { inferenceActions } from "@sibyl/sdk";
import { type Address, createWalletClient, defineChain, type Hex, http, publicActions } from "viem";
import { privateKeyToAccount } from "viem/accounts";

/** What the local network tells the page; on a real chain these would be constants, and a wallet would hold the key. */
interface PageNetwork {
  rpcUrl: string;
  chainId: number;
  oracle: Address;
  modelId: Hex;
  contracts: Record<string, Address>;
  /** One of anvil's public development keys: worth nothing anywhere. */
  privateKey: Hex;
}

/** Milliseconds between looks at the chain. */
const POLLING_MS = 300;

/** The network, and a client that reads, sends and speaks to the oracle. Fails unless an oracle is there. */
export async function connect() {
  const network = (await (await fetch("/network.json")).json()) as PageNetwork;
  const client = createWalletClient({
    account: privateKeyToAccount(network.privateKey),
    chain: defineChain({
      id: network.chainId,
      name: "local",
      nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
      rpcUrls: { default: { http: [network.rpcUrl] } },
    }),
    transport: http(network.rpcUrl),
    pollingInterval: POLLING_MS,
  })
    .extend(publicActions)
    .extend(inferenceActions({ oracle: network.oracle }));
  await client.checkOracle();
  return { network, client };
}

export type Connection = Awaited<ReturnType<typeof connect>>;
