import type { Page } from "playwright-core";
import type { Address } from "viem";

/** What a wallet's owner would do at it. */
export interface StubWallet {
  /** The methods that the page asked for, in order. */
  readonly asked: string[];
  /** Refuses the next call of this method, as a person who presses "Reject". */
  refuse(method: string): void;
  /** Goes to another chain, and tells the page. */
  goTo(chainId: number): Promise<void>;
  /** Chooses another account, or none, and tells the page. */
  choose(account: Address | null): Promise<void>;
}

export interface StubWalletOptions {
  /** Of the local chain: anvil signs for the accounts that it endowed. */
  rpcUrl: string;
  localChainId: number;
  account: Address;
  /** The chain that it is on at first. */
  chainId: number;
  /** How a page finds it: it announces itself (EIP-6963), or only stands at `window.ethereum`. */
  found: "announced" | "window.ethereum";
}

/** As EIP-1193 has it: a number beside the message. */
class WalletError extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export const STUB_WALLET_NAME = "Stub Wallet";

/**
 * Puts a wallet into a page before its scripts run: an EIP-1193 provider that behaves like the known ones, knows no
 * chain but its own until it is told of it (`wallet_addEthereumChain`), and has anvil sign.
 */
export async function addStubWallet(page: Page, options: StubWalletOptions): Promise<StubWallet> {
  const asked: string[] = [];
  const refusals = new Set<string>();
  const known = new Set([options.chainId]);
  let { chainId } = options;
  let account: Address | null = options.account;
  const emit = (event: string, value: unknown) =>
    page.evaluate(`window.stubWalletEmit(${JSON.stringify(event)}, ${JSON.stringify(value)})`);

  const answer = async (method: string, params: unknown[]): Promise<unknown> => {
    asked.push(method);
    if (refusals.delete(method)) throw new WalletError(4001, "User rejected the request.");
    switch (method) {
      case "eth_requestAccounts":
      case "eth_accounts":
        return account === null ? [] : [account];
      case "eth_chainId":
        return `0x${chainId.toString(16)}`;
      case "wallet_addEthereumChain":
        known.add(Number((params[0] as { chainId: string }).chainId));
        return null;
      case "wallet_switchEthereumChain": {
        const wanted = Number((params[0] as { chainId: string }).chainId);
        if (!known.has(wanted)) throw new WalletError(4902, `Unrecognized chain ${wanted}.`);
        chainId = wanted;
        return null;
      }
      case "eth_sendTransaction":
        if (chainId !== options.localChainId)
          throw new WalletError(-32000, `a transaction on chain ${chainId}`);
        return forward(options.rpcUrl, method, params);
      default:
        throw new WalletError(4200, `${method} is not what a wallet is for`);
    }
  };
  await page.exposeFunction("stubWalletCall", async (method: string, params: unknown[]) => {
    try {
      return { result: await answer(method, params) };
    } catch (error) {
      const { code = -32603, message } = error as { code?: number; message: string };
      return { error: { code, message } };
    }
  });
  await page.addInitScript(
    `(${IN_PAGE})(${JSON.stringify({ name: STUB_WALLET_NAME, found: options.found })})`,
  );
  return {
    asked,
    refuse: (method) => void refusals.add(method),
    async goTo(next) {
      chainId = next;
      await emit("chainChanged", `0x${next.toString(16)}`);
    },
    async choose(next) {
      account = next;
      await emit("accountsChanged", next === null ? [] : [next]);
    },
  };
}

async function forward(rpcUrl: string, method: string, params: unknown[]): Promise<unknown> {
  const response = await fetch(rpcUrl, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  });
  const { result, error } = (await response.json()) as {
    result?: unknown;
    error?: { code: number; message: string };
  };
  if (error !== undefined) throw new WalletError(error.code, error.message);
  return result;
}

/** What runs in the page. Text, because the types of this file are Node's and not a browser's. */
const IN_PAGE = `({ name, found }) => {
  const listeners = {};
  const provider = {
    async request({ method, params = [] }) {
      const { result, error } = await window.stubWalletCall(method, params);
      if (error) throw Object.assign(new Error(error.message), { code: error.code });
      return result;
    },
    on: (event, listener) => (listeners[event] ??= []).push(listener),
    removeListener() {},
  };
  window.stubWalletEmit = (event, value) => (listeners[event] ?? []).forEach((listener) => listener(value));
  if (found === "window.ethereum") {
    window.ethereum = provider;
    return;
  }
  const info = { uuid: "350670db-19fa-4704-a166-e52e178b59d2", name, icon: "data:,", rdns: "test.stub" };
  const announce = () =>
    window.dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail: Object.freeze({ info, provider }) }));
  window.addEventListener("eip6963:requestProvider", announce);
  announce();
}`;
