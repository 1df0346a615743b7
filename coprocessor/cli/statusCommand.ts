import { Command } from "commander";
import { askNode } from "./askNode.ts";

export function statusCommand(): Command {
  return new Command("status")
    .description("Asks a running node how it is, or why a request stands where it stands. Prints JSON.")
    .argument(
      "[requestId]",
      "a request's id; without it, the node, the openings that concern it, and its latest requests",
    )
    .option("--url <url>", "the node's status address", "http://127.0.0.1:4002")
    .action(async (requestId: string | undefined, { url }: { url: string }) => {
      const answer =
        requestId === undefined
          ? {
              ...(await askNode(url, "/status")),
              openings: await askNode(url, "/openings?limit=20"),
              requests: await askNode(url, "/requests?limit=20"),
            }
          : await askNode(url, `/requests/${requestId}`);
      console.log(JSON.stringify(answer, null, 2));
    });
}
