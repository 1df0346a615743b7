import { afterAll, beforeAll, expect, type TestContext, test } from "vitest";
import { Teardown } from "../../../scripts/network/teardown.ts";
import { loseOperators, type Visit, visit } from "../../../test/e2e/examplePage.ts";
import { messageBoard } from "../example.ts";

const teardown = new Teardown();
let visited: Visit | { unavailable: string };

beforeAll(async () => {
  visited = await visit(messageBoard, teardown);
});
afterAll(() => teardown.run());

function open({ skip }: TestContext): Visit {
  if ("unavailable" in visited) return skip(visited.unavailable);
  return visited;
}

const HAM =
  "Are we still meeting tomorrow at ten to go through the patch for the kernel module? <b>Bring it.</b>";
const SPAM = "WIN a FREE prize now!!! Click here http://prize.example to claim your $1000 cash";

test("post: ham is shown as it was written, spam is held back", async (context) => {
  const { page, status, picture, phonePictures, complaints } = open(context);
  await page.locator("#post:enabled").waitFor();
  await page.fill("#text", HAM);
  await page.click("#post");
  expect(await status("answered")).toMatch(/signed by operators 1, 2, 3/);
  await page.locator('[data-status="published"]').getByText(HAM).waitFor();
  await page.fill("#text", SPAM);
  await page.click("#post");
  await page.locator('[data-status="held"]').waitFor();
  expect(await page.locator("#posts").textContent()).not.toContain("prize");
  await picture("posted");
  await phonePictures("posted");
  expect(complaints).toEqual([]);
});

test("nobody there: the deadline passes and the payment comes back", async (context) => {
  const { running, page, status, picture } = open(context);
  await loseOperators(running);
  await page.fill("#text", "Is anybody there?");
  await page.click("#post");
  expect(await status("overdue")).toContain("Nobody answered in time");
  await page.click("#refund");
  expect(await status("refunded")).toMatch(/Refunded 0\.\d+ ETH/);
  expect(await page.locator("#posts .card").count()).toBe(2);
  await picture("refunded");
});
