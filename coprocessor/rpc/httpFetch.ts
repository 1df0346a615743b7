import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { Agent, request } from "undici";

/** As much of `fetch` as a JSON-RPC transport needs. */
export interface HttpFetch {
  fetch: (url: string | URL | Request, init?: RequestInit) => Promise<Response>;
  close(): Promise<void>;
}

const decompress = promisify(gunzip);

/**
 * Fetches over connections of its own. A node asks its chain's server many times a second, and for each small answer
 * `fetch` spends more processor time on its streams than all else that the call takes.
 *
 * Redirects are not followed.
 *
 * @param maxBytes Of an answer, as it comes and decompressed; a longer one is an error.
 */
export function createHttpFetch(maxBytes: number): HttpFetch {
  const dispatcher = new Agent({ maxResponseSize: maxBytes });
  return {
    async fetch(url, init = {}) {
      const { statusCode, headers, body } = await request(String(url), {
        dispatcher,
        method: (init.method ?? "GET") as "GET" | "POST",
        headers: { ...(init.headers as Record<string, string>), "accept-encoding": "gzip" },
        body: init.body as string | null,
        signal: init.signal ?? null,
      });
      const isGzip = headers["content-encoding"] === "gzip";
      const text = isGzip
        ? (await decompress(await body.bytes(), { maxOutputLength: maxBytes })).toString("utf8")
        : await body.text();
      // An empty body is none: some statuses must not have any.
      return new Response(text || null, { status: statusCode, headers: headers as Record<string, string> });
    },
    close: () => dispatcher.destroy(),
  };
}
