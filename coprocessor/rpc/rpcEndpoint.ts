import { type createTransport, http, type Transport, webSocket } from "viem";
import { CoprocessorError } from "../core/errors.ts";
import { createHttpFetch } from "./httpFetch.ts";

/** One URL, open for calls. */
export interface RpcEndpoint {
  /** Scheme and host, fit for logs: paths and queries of RPC URLs often hold API keys. */
  readonly label: string;
  /** Host and port alone. */
  readonly host: string;
  readonly loopback: boolean;
  request: ReturnType<typeof createTransport>["request"];
  /** How far the server's clock is ahead of ours by its last HTTP answer, to the second; null when it did not say. */
  clockAheadMs(): number | null;
  close(): Promise<void>;
}

/** Calls per HTTP batch; public providers refuse more. */
const BATCH_SIZE = 50;
/** Of one answer: logs of a long range. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/**
 * Opens a URL without calling it yet.
 *
 * @param timeoutMs for one call
 * @param closing ends calls in flight
 * @throws CoprocessorError `rpc/bad-url`
 */
export function openEndpoint(url: string, timeoutMs: number, closing: AbortSignal): RpcEndpoint {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  const label = parsed ? `${parsed.protocol}//${parsed.host}` : "";
  const host = parsed?.host ?? "";
  const loopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(parsed?.hostname ?? "");
  // No retries below us: the client above moves on to the next endpoint instead.
  const settings = { timeout: timeoutMs, retryCount: 0 };
  if (parsed?.protocol === "http:" || parsed?.protocol === "https:") {
    let aheadMs: number | null = null;
    const { fetch, close } = createHttpFetch(MAX_ANSWER_BYTES);
    const transport: Transport = http(url, {
      ...settings,
      onFetchResponse: (response) => {
        const date = Date.parse(response.headers.get("date") ?? "");
        // A date is cut to the second.
        if (!Number.isNaN(date)) aheadMs = date + 500 - Date.now();
      },
      batch: { batchSize: BATCH_SIZE },
      fetchFn: fetch,
      fetchOptions: { signal: closing },
      // `fetch` sees to it.
      maxResponseBodySize: false,
    });
    const { request } = transport({ retryCount: 0 });
    return { label, host, loopback, request, clockAheadMs: () => aheadMs, close };
  }
  if (parsed?.protocol === "ws:" || parsed?.protocol === "wss:") {
    const opened = webSocket(url, settings)({ retryCount: 0 });
    let used = false;
    const request: RpcEndpoint["request"] = (body, options) => {
      used = true;
      return opened.request(body, options);
    };
    return {
      label,
      host,
      loopback,
      request,
      clockAheadMs: () => null,
      async close() {
        if (!used) return;
        // A socket that never opened has nothing to close.
        await opened.value?.getRpcClient().then(
          (client) => client.close(),
          () => {},
        );
      },
    };
  }
  throw new CoprocessorError("An RPC URL starts with http://, https://, ws:// or wss://.", {
    code: "rpc/bad-url",
    retry: "never",
    meta: { scheme: parsed?.protocol ?? null },
  });
}
