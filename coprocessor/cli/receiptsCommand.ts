import { Command } from "commander";
import { askNode } from "./askNode.ts";

export function receiptsCommand(): Command {
  return new Command("receipts")
    .description("Prints what a running node computed and with what, as JSON: the latest, or one in full.")
    .argument("[requestId]", "a request's id; its receipt then comes with input and output, for `verify`")
    .option("--limit <count>", "how many of the latest", "20")
    .option("--url <url>", "the node's status address", "http://127.0.0.1:4002")
    .action(async (requestId: string | undefined, { url, limit }: { url: string; limit: string }) => {
      const path =
        requestId === undefined
          ? `/receipts?limit=${encodeURIComponent(limit)}`
          : `/receipts/${encodeURIComponent(requestId)}`;
      console.log(JSON.stringify(await askNode(url, path), null, 2));
    });
}
