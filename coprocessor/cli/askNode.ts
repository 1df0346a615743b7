import { CoprocessorError } from "../core/errors.ts";

/**
 * Asks a running node's status server.
 *
 * @param url Its address; of a node that serves several oracles, with an oracle's name as path, or of the whole node.
 * @throws CoprocessorError `status/unreachable`, `status/refused` with what the node said.
 */
export async function askNode(url: string, path: string): Promise<object> {
  let response: Response;
  try {
    response = await fetch(`${url.replace(/\/$/, "")}${path}`);
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
