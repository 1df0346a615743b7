import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { BrowserContext, Page } from "playwright-core";
import { expect } from "vitest";
import { type Example, type RunningExample, startExample } from "../../scripts/example/startExample.ts";
import type { Teardown } from "../../scripts/network/teardown.ts";
import { ensureChromium, startChromium } from "../../scripts/services/chromium.ts";

/** Where a test leaves what it saw, for a person to look at. */
const PICTURES = join(import.meta.dirname, "..", "..", ".cache", "pictures");
/** Short, because the failure story has to wait it out. */
const LIFETIME_SECONDS = 20;
const STORY_TIMEOUT_MS = 60_000;
const PHONE = { width: 375, height: 700 };
/** `--paper` of the pages' dark colours. */
const DARK_PAPER = "rgb(22, 25, 31)";

export interface Visit {
  running: RunningExample;
  page: Page;
  /** Errors of the page's own code, and what it logged as errors. */
  complaints: string[];
  /** Waits until the page's status line says how a request stands. */
  status(state: "asked" | "answered" | "overdue" | "refunded" | "failed"): Promise<string>;
  picture(name: string): Promise<void>;
  /** Takes pictures as on a phone, in light and in dark colours; the page must not be wider than the phone. */
  phonePictures(name: string): Promise<void>;
}

/** Starts an example and opens its page, or says why there is no browser. */
export async function visit(example: Example, teardown: Teardown): Promise<Visit | { unavailable: string }> {
  const installation = await ensureChromium();
  if ("unavailable" in installation) return installation;
  const running = await startExample(example, { teardown, lifetimeSeconds: LIFETIME_SECONDS });
  const browser = await startChromium(installation.path);
  teardown.add("browser", () => browser.close());
  return openPage(running, browser.context);
}

/**
 * Opens one more page of an example that runs.
 *
 * @param prepare What is to be there before the page's own scripts run.
 */
export async function openPage(
  running: RunningExample,
  context: BrowserContext,
  prepare: (page: Page) => Promise<void> = async () => {},
): Promise<Visit> {
  const page = await context.newPage();
  page.setDefaultTimeout(STORY_TIMEOUT_MS);
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    // Chromium looks for an icon that the page need not have.
    if (message.type() === "error" && !message.location().url.endsWith("/favicon.ico"))
      complaints.push(message.text());
  });
  await prepare(page);
  await page.goto(running.url);
  const picture = async (name: string) => {
    mkdirSync(PICTURES, { recursive: true });
    await page.screenshot({ path: join(PICTURES, `${running.name}-${name}.png`), fullPage: true });
  };
  return {
    running,
    page,
    complaints,
    picture,
    async status(state) {
      const line = page.locator(`#status[data-state="${state}"], #status[data-state="failed"]`);
      await line.waitFor();
      const text = (await line.textContent()) ?? "";
      expect(await line.getAttribute("data-state"), text).toBe(state);
      return text;
    },
    async phonePictures(name) {
      const usual = page.viewportSize();
      await page.setViewportSize(PHONE);
      await picture(`${name}-phone`);
      await page.emulateMedia({ colorScheme: "dark" });
      await picture(`${name}-phone-dark`);
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(PHONE.width);
      expect(await page.evaluate("getComputedStyle(document.documentElement).backgroundColor")).toBe(
        DARK_PAPER,
      );
      await page.emulateMedia({ colorScheme: "light" });
      if (usual !== null) await page.setViewportSize(usual);
    },
  };
}

/** Takes all operators away, as if nobody ran a node. */
export async function loseOperators({ network }: RunningExample): Promise<void> {
  await Promise.all(network.operators.map((operator) => operator.kill()));
}
