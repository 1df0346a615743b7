import {
  type Account,
  type Chain,
  createPublicClient,
  createWalletClient,
  defineChain,
  type Hex,
  type HttpTransport,
  http,
  type PublicClient,
  type TransactionReceipt,
  type WalletClient,
} from "viem";

/** Milliseconds between looks at the chain; blocks come once in a second. */
const POLLING_MS = 100;
const RECEIPT_TIMEOUT_MS = 30_000;

/** Reads a local chain, and sends as any account whose key we have. */
export interface ChainClient {
  chain: Chain;
  rpcUrl: string;
  reader: PublicClient<HttpTransport, Chain>;
  as(account: Account): WalletClient<HttpTransport, Chain, Account>;
  /**
   * Waits until a transaction is in a block.
   *
   * @throws Error when it reverted, or is in no block after 30 s; `what` says which one it was.
   */
  mined(hash: Hex, what: string): Promise<TransactionReceipt>;
}

export function chainClient(rpcUrl: string, chainId: number): ChainClient {
  const chain = defineChain({
    id: chainId,
    name: "local",
    nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
    rpcUrls: { default: { http: [rpcUrl] } },
  });
  const transport = http(rpcUrl);
  const reader = createPublicClient({ chain, transport, pollingInterval: POLLING_MS, cacheTime: 0 });
  return {
    chain,
    rpcUrl,
    reader,
    as: (account) => createWalletClient({ account, chain, transport, pollingInterval: POLLING_MS }),
    async mined(hash, what) {
      const receipt = await reader.waitForTransactionReceipt({ hash, timeout: RECEIPT_TIMEOUT_MS });
      if (receipt.status !== "success") throw new Error(`${what} reverted in transaction ${hash}`);
      return receipt;
    },
  };
}
