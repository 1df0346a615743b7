import { expire, inferenceOracleAbi, openedRequests } from "@sibyl/sdk";
import { afterAll, beforeAll, expect, type TestContext, test } from "vitest";
import type { RunningExample } from "../../../scripts/example/startExample.ts";
import { author } from "../../../scripts/network/devAccounts.ts";
import { Teardown } from "../../../scripts/network/teardown.ts";
import { loseOperators, openPage, type Visit, visit } from "../../../test/e2e/examplePage.ts";
import { addStubWallet, STUB_WALLET_NAME } from "../../../test/e2e/stubWallet.ts";
import { lending } from "../example.ts";

const teardown = new Teardown();
let visited: Visit | { unavailable: string };

beforeAll(async () => {
  visited = await visit(lending, teardown);
});
afterAll(() => teardown.run());

function open({ skip }: TestContext): Visit {
  if ("unavailable" in visited) return skip(visited.unavailable);
  return visited;
}

test("score: the model answers, and the limit rises by a day's step and no further", async (context) => {
  const { page, status, picture, phonePictures, complaints } = open(context);
  await page.locator("#assess:enabled").waitFor();
  expect(await page.locator("#limit").textContent()).toBe("50.0 %");
  expect(await page.locator("#risk").textContent()).toContain("No score yet");
  await picture("before");
  await page.click("#assess");
  expect(await status("answered")).toMatch(/signed by operators 1, 2, 3/);
  await page.locator("#assess:enabled").waitFor();
  expect(await page.locator("#limit").textContent()).toBe("55.0 %");
  expect(await page.locator("#risk").textContent()).toMatch(/has a chance of \d+\.\d %/);
  await picture("answered");
  await phonePictures("answered");
  expect(complaints).toEqual([]);
});

test("borrow: above the limit the page says what the contract says, below it lends", async (context) => {
  const { page, status } = open(context);
  await page.fill("#dollars", "5000");
  await page.click("#borrow");
  expect(await status("failed")).toContain("LimitExceeded");
  await page.fill("#dollars", "500");
  await page.click("#borrow");
  await page.getByText("You owe 500 dollars on 1 ether.").waitFor();
});

test("borrow: with a wallet it is the wallet's account that owes", async (context) => {
  const { running, page } = open(context);
  const { rpcUrl, chainId } = running.page;
  const account = author().address;
  const wallet = { rpcUrl, localChainId: chainId, chainId, account, found: "announced" } as const;
  const own = await openPage(running, page.context(), async (fresh) => {
    await addStubWallet(fresh, wallet);
  });
  context.onTestFinished(() => own.page.close());
  await own.page.getByText("You owe 500 dollars on 1 ether.").waitFor();
  await own.page.click(`text="Use ${STUB_WALLET_NAME}"`);
  await own.page.getByText("You owe 0 dollars on 0 ether.").waitFor();
  await own.page.fill("#dollars", "700");
  await own.page.click("#borrow");
  await own.page.getByText("You owe 700 dollars on 1 ether.").waitFor();
});

test("nobody there: the payment comes back, whoever expires the request; the limit stays", async (context) => {
  const { running, page, status, picture } = open(context);
  await loseOperators(running);
  await page.click("#assess");
  expect(await status("overdue")).toContain("Nobody answered in time");
  await picture("overdue");
  await expireLatest(running);
  await page.click("#refund");
  expect(await status("refunded")).toMatch(/Refunded 0\.\d+ ETH/);
  await page.locator("#assess:enabled").waitFor();
  expect(await page.locator("#limit").textContent()).toBe("55.0 %");
  await picture("refunded");
});

/** Somebody else expires the latest request, as anybody may. */
async function expireLatest({ network: { client, protocol } }: RunningExample): Promise<void> {
  const { oracle } = protocol;
  const logs = await client.reader.getContractEvents({
    abi: inferenceOracleAbi,
    address: oracle,
    eventName: "RequestOpened",
    fromBlock: 0n,
    strict: true,
  });
  const request = openedRequests(logs, oracle).at(-1);
  if (request === undefined) throw new Error("nothing was asked");
  await client.mined(await expire(client.as(author()), { oracle, words: request.words }), "an expiry");
}
