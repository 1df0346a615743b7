import type { Page } from "playwright-core";
import { getAddress } from "viem";
import { afterAll, beforeAll, expect, type TestContext, test } from "vitest";
import { author, publisher } from "../../../scripts/network/devAccounts.ts";
import { Teardown } from "../../../scripts/network/teardown.ts";
import { openPage, type Visit, visit } from "../../../test/e2e/examplePage.ts";
import {
  addStubWallet,
  STUB_WALLET_NAME,
  type StubWallet,
  type StubWalletOptions,
} from "../../../test/e2e/stubWallet.ts";
import { messageBoard } from "../example.ts";
import { messageBoardAbi } from "../messageBoardAbi.ts";

/** What `web/connect.ts`, `wallet.ts` and `account.ts` do with a wallet; the other pages have the same files. */

const teardown = new Teardown();
let visited: Visit | { unavailable: string };

beforeAll(async () => {
  visited = await visit(messageBoard, teardown);
});
afterAll(() => teardown.run());

const ANOTHER_CHAIN = 11_155_111;
const HAM = "Are we still meeting tomorrow at ten to go through the patch for the kernel module?";

interface WalletVisit extends Visit {
  wallet: StubWallet;
  who: string;
}

/** Opens the page in a browser with a wallet on the page's chain. */
async function open(
  { skip, onTestFinished }: TestContext,
  options: Partial<StubWalletOptions> = {},
  alsoPrepare: (page: Page) => Promise<void> = async () => {},
): Promise<WalletVisit> {
  if ("unavailable" in visited) return skip(visited.unavailable);
  const { running, page } = visited;
  const account = author().address;
  let wallet: StubWallet | undefined;
  const opened = await openPage(running, page.context(), async (fresh) => {
    const { rpcUrl, chainId } = running.page;
    wallet = await addStubWallet(fresh, {
      rpcUrl,
      localChainId: chainId,
      chainId,
      account,
      found: "announced",
      ...options,
    });
    await alsoPrepare(fresh);
  });
  onTestFinished(() => opened.page.close());
  await opened.page.locator("#post:enabled").waitFor();
  return { ...opened, wallet: wallet as StubWallet, who: short(account) };
}

/** Of a chain whose page has no account of its own. */
async function withoutLocalAccount(page: Page): Promise<void> {
  await page.route("**/network.json", async (route) => {
    const { privateKey: _, ...facts } = await (await route.fetch()).json();
    await route.fulfill({ json: facts });
  });
}

const short = (address: string) => `${address.slice(0, 6)}…${address.slice(-4)}`;
const use = (page: Page, name = STUB_WALLET_NAME) => page.click(`text="Use ${name}"`);
const acting = (page: Page, as: string) => page.locator(`#account[data-acting="${as}"]`).waitFor();
const whoActs = (page: Page) => page.locator("#who").textContent();

test("wallet: what it signs is asked and answered, and the local account is a click away", async (context) => {
  const { page, wallet, who, status, picture, complaints, running } = await open(context);
  await acting(page, "local account");
  expect(wallet.asked).toEqual([]);
  await use(page);
  await acting(page, "wallet");
  expect(await whoActs(page)).toBe(`You act as ${who}, in Stub Wallet.`);
  await page.fill("#text", HAM);
  await page.click("#post");
  expect(await status("answered")).toMatch(/signed by operators 1, 2, 3/);
  await page.locator('[data-status="published"]').getByText(HAM).waitFor();
  expect(wallet.asked.filter((method) => method === "eth_sendTransaction")).toHaveLength(1);
  const [posted] = await running.network.client.reader.getContractEvents({
    abi: messageBoardAbi,
    address: running.page.contracts.board as `0x${string}`,
    eventName: "Posted",
    fromBlock: 0n,
    strict: true,
  });
  expect(posted?.args.author).toBe(getAddress(author().address));
  await picture("wallet");
  await page.click('text="Use the local account"');
  await acting(page, "local account");
  expect(complaints).toEqual([]);
});

test("window.ethereum: a wallet that announces nothing is found as well", async (context) => {
  const { page, who } = await open(context, { found: "window.ethereum" });
  await use(page, "the browser's wallet");
  await acting(page, "wallet");
  expect(await whoActs(page)).toContain(who);
});

test("another chain: named with both, nothing is sent, and a click brings the wallet over", async (context) => {
  const { page, wallet, who, status, picture } = await open(context, { chainId: ANOTHER_CHAIN });
  await use(page);
  await acting(page, "wallet on another chain");
  const { chainId } = (visited as Visit).running.page;
  expect(await whoActs(page)).toBe(
    `Stub Wallet is on chain ${ANOTHER_CHAIN}; this page is on chain ${chainId}.`,
  );
  await page.fill("#text", HAM);
  await page.click("#post");
  expect(await status("failed")).toBe(
    `Stub Wallet is on chain ${ANOTHER_CHAIN}, this page is on chain ${chainId}: switch first.`,
  );
  expect(wallet.asked).not.toContain("eth_sendTransaction");
  await picture("another-chain");

  wallet.refuse("wallet_addEthereumChain");
  await page.click("#switch");
  expect(await status("failed")).toBe("You refused it in your wallet. Nothing was sent.");
  await page.click("#switch");
  await acting(page, "wallet");
  expect(await whoActs(page)).toContain(who);
  expect(wallet.asked).toContain("wallet_addEthereumChain");
});

test("refused: the wallet's owner says no to connecting, then to sending", async (context) => {
  const { page, wallet, status } = await open(context);
  wallet.refuse("eth_requestAccounts");
  await use(page);
  expect(await status("failed")).toBe("You refused it in your wallet. Nothing was sent.");
  await acting(page, "local account");
  await use(page);
  await acting(page, "wallet");
  await page.fill("#text", HAM);
  wallet.refuse("eth_sendTransaction");
  await page.click("#post");
  expect(await status("failed")).toBe("You refused it in your wallet. Nothing was sent.");
  expect(await page.inputValue("#text"), "what was written is not lost").toBe(HAM);
});

test("changed in the wallet: the page follows its account and its chain", async (context) => {
  const { page, wallet } = await open(context);
  await use(page);
  await acting(page, "wallet");
  await wallet.choose(publisher().address);
  await page.getByText(`You act as ${short(publisher().address)}, in Stub Wallet.`).waitFor();
  await wallet.goTo(ANOTHER_CHAIN);
  await acting(page, "wallet on another chain");
  await wallet.goTo((visited as Visit).running.page.chainId);
  await acting(page, "wallet");
  await wallet.choose(null);
  await acting(page, "local account");
});

test("no local account: the page reads, and says that a wallet is needed before it asks", async (context) => {
  const { page, status, picture } = await open(context, {}, withoutLocalAccount);
  await acting(page, "nobody");
  expect(await whoActs(page)).toBe("To ask something, connect a wallet.");
  await page.fill("#text", HAM);
  await page.click("#post");
  expect(await status("failed")).toBe("Connect a wallet first.");
  await picture("nobody");
  await use(page);
  await acting(page, "wallet");
  expect(await page.locator('text="Use the local account"').count()).toBe(0);
});

test("a local key on another chain: is not used", async (context) => {
  if ("unavailable" in visited) return context.skip(visited.unavailable);
  const { running, page } = visited;
  const elsewhere = await openPage(running, page.context(), async (fresh) => {
    // The chain is the local one all the same; what counts is what the page is told.
    await fresh.route("**/network.json", async (route) => {
      const facts = await (await route.fetch()).json();
      await route.fulfill({ json: { ...facts, chainId: ANOTHER_CHAIN } });
    });
  });
  context.onTestFinished(() => elsewhere.page.close());
  await acting(elsewhere.page, "nobody");
  expect(await whoActs(elsewhere.page)).toBe(
    "To ask something you need a wallet, and this browser has none.",
  );
});
