import type { Acting, Connection } from "./connect.ts";
import { element, show } from "./dom.ts";
import { onClick } from "./story.ts";
import { type Wallet, watchWallets } from "./wallet.ts";

/**
 * Shows in `#account` who acts, with a button for each wallet of this browser, and one to switch a wallet's chain.
 *
 * @param onChange Called when somebody else acts.
 */
export function showAccount(connection: Connection, onChange: () => Promise<void> = async () => {}): void {
  const wallets: Wallet[] = [];
  const draw = () => {
    const acting = connection.acting();
    element("account", HTMLElement).dataset.acting = acting.as;
    element("who", HTMLElement).textContent = describe(acting, connection.network.chainId, wallets.length);
    show(element("switch", HTMLButtonElement), acting.as === "wallet on another chain");
    const others = wallets.filter(({ name }) => !("name" in acting) || acting.name !== name);
    const buttons = others.map((wallet) => button(`Use ${wallet.name}`, () => connection.useWallet(wallet)));
    if ("name" in acting && connection.hasLocalAccount)
      buttons.push(button("Use the local account", async () => connection.useLocalAccount()));
    element("wallets", HTMLElement).replaceChildren(...buttons);
  };
  onClick("switch", () => connection.switchChain());
  connection.onChange(() => {
    draw();
    void onChange();
  });
  watchWallets((wallet) => {
    wallets.push(wallet);
    draw();
  });
  draw();
}

function describe(acting: Acting, chainId: number, wallets: number): string {
  switch (acting.as) {
    case "local account":
      return `You act as ${short(acting.address)}, a play account of the local chain.`;
    case "wallet":
      return `You act as ${short(acting.address)}, in ${acting.name}.`;
    case "wallet on another chain":
      return `${acting.name} is on chain ${acting.chainId}; this page is on chain ${chainId}.`;
    case "nobody":
      return wallets === 0
        ? "To ask something you need a wallet, and this browser has none."
        : "To ask something, connect a wallet.";
  }
}

const short = (address: string) => `${address.slice(0, 6)}…${address.slice(-4)}`;

function button(label: string, action: () => Promise<void>): HTMLButtonElement {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "quiet";
  made.textContent = label;
  onClick(made, action);
  return made;
}
