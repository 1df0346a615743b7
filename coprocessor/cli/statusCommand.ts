import { Command } from "commander";
import { askNode } from "./askNode.ts";

export function statusCommand(): Command {
  return new Command("status")
    .description("Asks a running node how it is, or why a request stands where it stands. Prints JSON.")
    .argument(
      "[requestId]",
      "a request's id; without it, the node, the openings that concern it, and its latest requests",
    )
    .option(
      "--url <url>",
      "the node's status address; with an oracle's name as path, if it serves several",
      "http://127.0.0.1:4002",
    )
    .action(async (requestId: string | undefined, { url }: { url: string }) => {
      const answer =
        requestId === undefined ? await nodeAt(url) : await askNode(url, `/requests/${requestId}`);
      console.log(JSON.stringify(answer, null, 2));
    });
}

/** A node that serves several oracles tells how each is; the rest is asked of one of them. */
async function nodeAt(url: string): Promise<object> {
  const status = await askNode(url, "/status");
  if ("oracles" in status) return status;
  return {
    ...status,
    openings: await askNode(url, "/openings?limit=20"),
    requests: await askNode(url, "/requests?limit=20"),
  };
}
