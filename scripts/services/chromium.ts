import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, chromium } from "playwright-core";
import { ensureDebianProgram, type Installation } from "./debianPackage.ts";

/** Debian's browser; no npm package ships one, and Playwright's own would be a download. */
export const ensureChromium = (): Promise<Installation> => ensureDebianProgram("chromium", "chromium");

/** A browser that somebody can drive and has to close. */
export interface RunningBrowser {
  context: BrowserContext;
  close(): Promise<void>;
}

/** Starts a headless Chromium with an empty profile that speaks to nobody but the pages that it is sent to. */
export async function startChromium(executablePath: string): Promise<RunningBrowser> {
  const profile = mkdtempSync(join(tmpdir(), "sibyl-chromium-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    viewport: { width: 900, height: 1_000 },
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  return {
    context,
    async close() {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}
