import { Command } from "commander";
import { CoprocessorError } from "../core/errors.ts";

export function statusCommand(): Command {
  return new Command("status")
    .description("Asks a running node how it is, or why a request stands where it stands. Prints JSON.")
    .argument("[requestId]", "a request's id; without it, the node and its latest requests")
    .option("--url <url>", "the node's status address", "http://127.0.0.1:4002")
    .action(async (requestId: string | undefined, { url }: { url: string }) => {
      const answer =
        requestId === undefined
          ? { ...(await ask(url, "/status")), requests: await ask(url, "/requests?limit=20") }
          : await ask(url, `/requests/${requestId}`);
      console.log(JSON.stringify(answer, null, 2));
    });
}

async function ask(url: string, path: string): Promise<object> {
  let response: Response;
  try {
    response = await fetch(new URL(path, url));
  } catch (cause) {
    throw new CoprocessorError(`no node answers at ${url}; is it running, and is this its STATUS_LISTEN?`, {
      code: "status/unreachable",
      retry: "backoff",
      cause,
    });
  }
  const body = (await response.json()) as { error?: string };
  if (response.ok) return body;
  throw new CoprocessorError(body.error ?? `the node answered ${response.status}`, {
    code: "status/refused",
    retry: "never",
  });
}
