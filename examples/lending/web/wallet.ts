import type { EIP1193Provider } from "viem";

/** A wallet of this browser. */
export interface Wallet {
  name: string;
  provider: EIP1193Provider;
}

/** What a wallet says when a page asks who is there (EIP-6963). */
type Announcement = CustomEvent<{ info: { name: string }; provider: EIP1193Provider }>;

/**
 * Tells of every wallet of this browser, once each: of those that announce themselves (EIP-6963), and of one that only
 * puts itself at `window.ethereum` (EIP-1193). A wallet may come later than the page.
 */
export function watchWallets(onWallet: (wallet: Wallet) => void): void {
  const known = new Set<EIP1193Provider>();
  const found = (wallet: Wallet) => {
    if (known.has(wallet.provider)) return;
    known.add(wallet.provider);
    onWallet(wallet);
  };
  window.addEventListener("eip6963:announceProvider", (event) => {
    const { info, provider } = (event as Announcement).detail;
    found({ name: info.name, provider });
  });
  window.dispatchEvent(new Event("eip6963:requestProvider"));
  const { ethereum } = window as { ethereum?: EIP1193Provider };
  if (ethereum !== undefined && known.size === 0) found({ name: "the browser's wallet", provider: ethereum });
}
