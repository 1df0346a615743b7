import { readFile } from "node:fs/promises";
import { Command } from "commander";
import { CoprocessorError } from "../core/errors.ts";
import { parseReceipt } from "../core/receipt.ts";
import { verifyReceipt } from "../pipeline/verifyReceipt.ts";
import {
  type ModelOptions,
  positiveInteger,
  withModelOptions,
  workbenchOptions,
} from "./workbenchOptions.ts";

export function verifyCommand(): Command {
  const command = new Command("verify")
    .description(
      "Runs a receipt's request again and says whether the answer holds. Prints JSON; exit status 2 when it does not.",
    )
    .argument(
      "<receipt>",
      "path of a receipt, as `receipts <requestId>` prints it; - reads it from standard input",
    )
    .option("--timeout <ms>", "milliseconds that the model may take", positiveInteger, 60_000);
  return withModelOptions(command).action(
    async (path: string, options: ModelOptions & { timeout: number }) => {
      const receipt = parseReceipt(await readJson(path));
      // Only now: the engine takes a second to load, and a faulty receipt needs none.
      const { openWorkbench } = await import("../workbench.ts");
      const workbench = openWorkbench(workbenchOptions(options));
      try {
        const verdict = await verifyReceipt({ ...workbench, timeoutMs: options.timeout }, receipt);
        const { requestId, modelId } = receipt;
        console.log(JSON.stringify({ requestId, modelId, ...verdict }, null, 2));
        if (verdict.verdict === "disagrees") process.exitCode = 2;
      } finally {
        await workbench.close();
      }
    },
  );
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path === "-" ? "/dev/stdin" : path, "utf8"));
  } catch (cause) {
    throw new CoprocessorError(`${path} cannot be read as a receipt: ${(cause as Error).message}`, {
      code: "receipt/unreadable",
      retry: "never",
      meta: { path },
      cause,
    });
  }
}
