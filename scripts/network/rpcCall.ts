export type RpcAnswer = { result: unknown } | { error: { code: number; message: string } };

let nextId = 0;

/** One JSON-RPC call, answered as the endpoint answers it; for methods and orders that a client library does not have. */
export async function rpcCall(url: string, method: string, params: readonly unknown[]): Promise<RpcAnswer> {
  nextId += 1;
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: nextId, method, params }),
  });
  const { result, error } = (await response.json()) as {
    result?: unknown;
    error?: { code: number; message: string };
  };
  return error === undefined ? { result: result ?? null } : { error };
}

/** @throws Error with the endpoint's words when it refuses. */
export async function rpcResult<T>(url: string, method: string, params: readonly unknown[]): Promise<T> {
  const answer = await rpcCall(url, method, params);
  if ("error" in answer) throw new Error(`${method}: ${answer.error.message} (${answer.error.code})`);
  return answer.result as T;
}
