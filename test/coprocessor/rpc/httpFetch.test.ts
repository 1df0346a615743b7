import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { createHttpFetch, type HttpFetch } from "../../../coprocessor/rpc/httpFetch.ts";

const MAX_BYTES = 10_000;

let server: Server;
let url: string;
/** How the next call is answered, and what it said. */
let answer: (response: ServerResponse) => void;
let heard: { method: string | undefined; type: string | undefined; body: string };
let http: HttpFetch;

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (part: string) => {
      body += part;
    });
    request.on("end", () => {
      heard = { method: request.method, type: request.headers["content-type"], body };
      answer(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterAll(() => void server.close());
beforeEach(() => {
  http = createHttpFetch(MAX_BYTES);
});
afterEach(() => http.close());

const post = (signal: AbortSignal | null = null) =>
  http.fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '{"ask":"é"}',
    signal,
  });

it("an answer: its status, headers and text, after what was asked arrived", async () => {
  answer = (response) => response.writeHead(418, { date: "some day", "retry-after": "3" }).end("né");
  const response = await post();
  expect(heard).toEqual({ method: "POST", type: "application/json", body: '{"ask":"é"}' });
  expect([response.status, response.ok]).toEqual([418, false]);
  expect([response.headers.get("date"), response.headers.get("retry-after")]).toEqual(["some day", "3"]);
  expect(await response.text()).toBe("né");
});

it("no answer's body: a status that has none", async () => {
  answer = (response) => response.writeHead(204).end();
  expect(await (await post()).text()).toBe("");
});

it("compressed: read as what it was", async () => {
  answer = (response) =>
    response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync("logs".repeat(99)));
  expect(await (await post()).text()).toBe("logs".repeat(99));
});

it.each([
  ["as it comes", (response: ServerResponse) => response.end("x".repeat(MAX_BYTES + 1))],
  [
    "decompressed",
    (response: ServerResponse) =>
      response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync("x".repeat(MAX_BYTES + 1))),
  ],
])("longer than allowed, %s: an error", async (_, long) => {
  answer = long;
  await expect(post()).rejects.toThrow();
  answer = (response) => void response.end("x".repeat(MAX_BYTES));
  expect(await (await post()).text()).toHaveLength(MAX_BYTES);
});

it("given up: a call that is not answered ends with its signal, the next one is answered", async () => {
  const giveUp = new AbortController();
  answer = () => giveUp.abort();
  await expect(post(giveUp.signal)).rejects.toThrow(/abort/i);
  answer = (response) => void response.end("there");
  expect(await (await post()).text()).toBe("there");
});

it("closed: what is still asked fails", async () => {
  answer = () => void http.close();
  await expect(post()).rejects.toThrow();
});
