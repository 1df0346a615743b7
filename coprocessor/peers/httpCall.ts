import http from "node:http";
import https from "node:https";

export interface HttpAnswer {
  status: number;
  body: Buffer;
}

/** Connections that are kept between calls, and ended together. */
export class HttpCaller {
  readonly #plain = new http.Agent({ keepAlive: true, maxSockets: 4 });
  readonly #secure = new https.Agent({ keepAlive: true, maxSockets: 4 });

  /**
   * Follows no redirect, and reads no more of an answer than `maxBytes`.
   *
   * @throws Error when there is no answer in time, or one that is too long.
   */
  call(
    url: URL,
    options: {
      method: "GET" | "POST";
      headers?: Record<string, string>;
      body?: Uint8Array;
      maxBytes: number;
      signal: AbortSignal;
    },
  ): Promise<HttpAnswer> {
    const { method, headers, body, maxBytes, signal } = options;
    const secure = url.protocol === "https:";
    return new Promise((resolve, reject) => {
      const length = body === undefined ? {} : { "content-length": String(body.length) };
      const request = (secure ? https : http).request(
        url,
        {
          method,
          headers: { ...headers, ...length },
          agent: secure ? this.#secure : this.#plain,
          signal,
        },
        (response) => {
          const parts: Buffer[] = [];
          let read = 0;
          response.on("data", (part: Buffer) => {
            read += part.length;
            if (read > maxBytes) request.destroy(new Error(`the answer has more than ${maxBytes} bytes`));
            else parts.push(part);
          });
          response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts) }));
          response.on("error", reject);
        },
      );
      request.on("error", reject);
      request.end(body);
    });
  }

  close(): void {
    this.#plain.destroy();
    this.#secure.destroy();
  }
}
