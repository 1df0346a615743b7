import { inferenceActions } from "@sibyl/sdk";
import {
  type Account,
  type Address,
  type Chain,
  createPublicClient,
  createWalletClient,
  custom,
  defineChain,
  type EIP1193Provider,
  type Hex,
  http,
  publicActions,
  SwitchChainError,
} from "viem";
import { privateKeyToAccount } from "viem/accounts";
import type { Wallet } from "./wallet.ts";

/** What the local network tells the page; on a real chain these would be constants. */
interface PageNetwork {
  rpcUrl: string;
  chainId: number;
  oracle: Address;
  modelId: Hex;
  contracts: Record<string, Address>;
  /** One of anvil's public development keys, worth nothing anywhere; only a local chain's is used. */
  privateKey?: Hex;
}

/** Milliseconds between looks at the chain. */
const POLLING_MS = 300;
/** Anvil's: on no other chain does the page act for an account by itself. */
const LOCAL_CHAIN_ID = 31_337;
/** What only the wallet can do or know; all else is read from the network's own address. */
const WALLETS_OWN = /^(eth_chainId|eth_accounts|eth_requestAccounts|eth_sendTransaction|wallet_\w+)$/;

/** Nobody can send anything from this page as it stands; the message says why. */
export class NoSenderError extends Error {
  override name = "NoSenderError";
}

/** Who acts on the page. */
export type Acting =
  | { as: "nobody" }
  | { as: "local account"; address: Address }
  | { as: "wallet"; name: string; address: Address }
  | { as: "wallet on another chain"; name: string; chainId: number };

/**
 * The network, a client that reads it, and whoever sends: the local chain's own account until the visitor chooses a
 * wallet; on any other chain nobody until then.
 *
 * @throws NoOracleError unless an oracle is there.
 */
export async function connect() {
  const network = (await (await fetch("/network.json")).json()) as PageNetwork;
  const chain = defineChain({
    id: network.chainId,
    name: network.chainId === LOCAL_CHAIN_ID ? "Sibyl's local chain" : `chain ${network.chainId}`,
    nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
    rpcUrls: { default: { http: [network.rpcUrl] } },
  });
  const client = createPublicClient({
    chain,
    transport: http(network.rpcUrl),
    pollingInterval: POLLING_MS,
  }).extend(inferenceActions(network));
  await client.checkOracle();

  const local =
    network.privateKey !== undefined && network.chainId === LOCAL_CHAIN_ID
      ? privateKeyToAccount(network.privateKey)
      : null;
  const listeners: (() => void)[] = [];
  let acting: Acting = { as: "nobody" };
  let sender: Sender | undefined;
  let inUse: { wallet: Wallet; client: Sender } | undefined;
  /** Counts changes, so that a wallet's late answer does not overrule what was chosen meanwhile. */
  let changes = 0;
  const act = (now: Acting, by: Sender | undefined) => {
    [acting, sender] = [now, by];
    changes += 1;
    for (const listener of listeners) listener();
  };

  function useLocalAccount(): void {
    inUse = undefined;
    if (local === null) act({ as: "nobody" }, undefined);
    else act({ as: "local account", address: local.address }, senderOf(network, chain, local));
  }

  /** Takes over what the wallet says now: its account, and the chain that it is on. */
  async function follow(wallet: Wallet, accounts: readonly Address[]): Promise<void> {
    const [address] = accounts;
    if (address === undefined) return useLocalAccount();
    const own = senderOf(network, chain, { address, type: "json-rpc" }, wallet.provider);
    const change = ++changes;
    const chainId = await own.getChainId();
    if (change !== changes) return;
    inUse = { wallet, client: own };
    const { name } = wallet;
    if (chainId === network.chainId) act({ as: "wallet", name, address }, own);
    else act({ as: "wallet on another chain", name, chainId }, undefined);
  }

  const followed = new Set<EIP1193Provider>();
  async function useWallet(wallet: Wallet): Promise<void> {
    const { provider } = wallet;
    const asking = createWalletClient({ chain, transport: custom(provider) });
    await follow(wallet, await asking.requestAddresses());
    if (followed.has(provider) || typeof provider.on !== "function") return;
    followed.add(provider);
    const again = async (accounts?: readonly Address[]) => {
      if (inUse?.wallet.provider === provider)
        await follow(wallet, accounts ?? (await asking.getAddresses()));
    };
    provider.on("accountsChanged", again);
    provider.on("chainChanged", () => again());
  }

  /** Asks the wallet to go to the page's chain, and to get to know that chain first if it must. */
  async function switchChain(): Promise<void> {
    if (inUse === undefined) return;
    const { wallet, client: own } = inUse;
    try {
      await own.switchChain({ id: network.chainId });
    } catch (error) {
      if (!(error instanceof SwitchChainError)) throw error;
      await own.addChain({ chain });
      await own.switchChain({ id: network.chainId });
    }
    await follow(wallet, await own.getAddresses());
  }

  useLocalAccount();
  return {
    network,
    client,
    acting: () => acting,
    hasLocalAccount: local !== null,
    /** @throws NoSenderError that says why nobody can send. */
    sender(): Sender {
      if (sender !== undefined) return sender;
      if (acting.as !== "wallet on another chain") throw new NoSenderError("Connect a wallet first.");
      throw new NoSenderError(
        `${acting.name} is on chain ${acting.chainId}, this page is on chain ${network.chainId}: switch first.`,
      );
    },
    /** Whoever acts now, if anybody. */
    address: (): Address | undefined => sender?.account.address,
    useLocalAccount,
    useWallet,
    switchChain,
    /** Calls `listener` whenever somebody else acts. */
    onChange: (listener: () => void) => void listeners.push(listener),
  };
}

export type Connection = Awaited<ReturnType<typeof connect>>;
export type Sender = ReturnType<typeof senderOf>;

/** A client that sends for an account, through the wallet that holds its key or with the key that it has. */
function senderOf(network: PageNetwork, chain: Chain, account: Account, wallet?: EIP1193Provider) {
  const reading = http(network.rpcUrl);
  const transport =
    wallet === undefined
      ? reading
      : custom({
          request: (call: { method: string; params?: unknown }) =>
            WALLETS_OWN.test(call.method)
              ? wallet.request(call as never)
              : reading({ chain }).request(call as never),
        });
  return createWalletClient({ account, chain, transport, pollingInterval: POLLING_MS })
    .extend(publicActions)
    .extend(inferenceActions(network));
}
