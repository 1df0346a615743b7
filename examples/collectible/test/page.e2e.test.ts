import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, type TestContext, test } from "vitest";
import { author } from "../../../scripts/network/devAccounts.ts";
import { Teardown } from "../../../scripts/network/teardown.ts";
import { loseOperators, openPage, type Visit, visit } from "../../../test/e2e/examplePage.ts";
import { addStubWallet, STUB_WALLET_NAME } from "../../../test/e2e/stubWallet.ts";
import { collectible } from "../example.ts";

const teardown = new Teardown();
let visited: Visit | { unavailable: string };

beforeAll(async () => {
  visited = await visit(collectible, teardown);
});
afterAll(() => teardown.run());

function open({ skip }: TestContext): Visit {
  if ("unavailable" in visited) return skip(visited.unavailable);
  return visited;
}

type Point = readonly [x: number, y: number];
const SEVEN: readonly Point[] = [
  [80, 70],
  [200, 70],
  [130, 220],
];
const ONE: readonly Point[] = [
  [140, 50],
  [138, 230],
];
/** Another drawing, because each counts once. */
const TALL_ONE: readonly Point[] = [
  [150, 30],
  [120, 250],
];

test("mint: the model reads a seven drawn with the mouse, and the token shows it", async (context) => {
  const { page, status, picture, phonePictures, complaints } = open(context);
  await page.locator("#mint:enabled").waitFor();
  await draw(page, SEVEN);
  await page.click("#mint");
  expect(await status("answered")).toMatch(/signed by operators 1, 2, 3/);
  await page.getByText(/^A 7, \d+\.\d % sure\. It is token 1\.$/).waitFor();
  await page.getByText("1 of 10 digits").waitFor();
  const token = page.locator("#tokens img");
  expect(await token.getAttribute("alt")).toBe("Drawn digit 1");
  const decoded = page.evaluate(
    "(async (image) => (await image.decode(), image.naturalWidth))(document.querySelector('#tokens img'))",
  );
  expect(await decoded).toBeGreaterThan(0);
  await picture("minted");
  await phonePictures("minted");
  expect(complaints).toEqual([]);
});

test("the same drawing again: refused before anything is sent", async (context) => {
  const { page, status } = open(context);
  await page.click("#mint");
  expect(await status("failed")).toContain("AlreadyDrawn");
});

test("with a wallet: the page shows the set of the wallet's account", async (context) => {
  const { running, page } = open(context);
  const { rpcUrl, chainId } = running.page;
  const account = author().address;
  const wallet = { rpcUrl, localChainId: chainId, chainId, account, found: "announced" } as const;
  const own = await openPage(running, page.context(), async (fresh) => {
    await addStubWallet(fresh, wallet);
  });
  context.onTestFinished(() => own.page.close());
  await own.page.getByText("1 of 10 digits").waitFor();
  await own.page.click(`text="Use ${STUB_WALLET_NAME}"`);
  await own.page.getByText("0 of 10 digits").waitFor();
  await own.page.locator("#mint:enabled").waitFor();
  await draw(own.page, ONE);
  await own.page.click("#mint");
  expect(await own.status("answered")).toMatch(/signed by operators 1, 2, 3/);
  await own.page.getByText("1 of 10 digits").waitFor();
});

test("an empty canvas: is no drawing", async (context) => {
  const { page, status } = open(context);
  await page.click("#clear");
  await page.click("#mint");
  expect(await status("failed")).toBe("Draw a digit first.");
});

test("nobody there: the deadline passes and the payment comes back", async (context) => {
  const { running, page, status, picture } = open(context);
  await loseOperators(running);
  await draw(page, TALL_ONE);
  await page.click("#mint");
  expect(await status("overdue")).toContain("Nobody answered in time");
  await page.click("#refund");
  expect(await status("refunded")).toMatch(/Refunded 0\.\d+ ETH/);
  await page.getByText("1 of 10 digits").waitFor();
  await picture("refunded");
});

async function draw(page: Page, points: readonly Point[]): Promise<void> {
  const box = await page.locator("#canvas").boundingBox();
  const [first, ...others] = points;
  if (box === null || first === undefined) throw new Error("nothing to draw on, or with");
  await page.mouse.move(box.x + first[0], box.y + first[1]);
  await page.mouse.down();
  for (const [x, y] of others) await page.mouse.move(box.x + x, box.y + y, { steps: 12 });
  await page.mouse.up();
}
