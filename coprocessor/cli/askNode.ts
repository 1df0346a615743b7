import { CoprocessorError } from "../core/errors.ts";

/**
 * Asks a running node's status server, or tells it to do something.
 *
 * @param url Its address; of a node that serves several oracles, with an oracle's name as path, or of the whole node.
 * @param token Lets us change something; without one, only reads.
 * @throws CoprocessorError `status/unreachable`, `status/refused` with what the node said.
 */
export async function askNode(url: string, path: string, token?: string): Promise<object> {
  let response: Response;
  try {
    const change = { method: "POST", headers: { authorization: `Bearer ${token}` } };
    response = await fetch(`${url.replace(/\/$/, "")}${path}`, token === undefined ? {} : change);
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
