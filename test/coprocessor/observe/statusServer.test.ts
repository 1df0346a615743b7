import { afterEach, describe, expect, it } from "vitest";
import { CoprocessorError } from "../../../coprocessor/core/errors.ts";
import type { HttpServer } from "../../../coprocessor/observe/httpServer.ts";
import { type StatusSource, startStatusServer } from "../../../coprocessor/observe/statusServer.ts";

let server: HttpServer | null = null;

/** Serves what these tests ask for, and nothing else. */
async function get(
  path: string,
  source: Partial<StatusSource>,
  init: RequestInit = {},
): Promise<{ status: number; body: unknown }> {
  server = await startStatusServer(source as StatusSource, { host: "127.0.0.1", port: 0 });
  const response = await fetch(`${server.url}${path}`, init);
  const isJson = response.headers.get("content-type")?.startsWith("application/json");
  return { status: response.status, body: isJson ? await response.json() : await response.text() };
}

afterEach(async () => {
  await server?.close();
  server = null;
});

describe("startStatusServer", () => {
  it("a source that fails: its code and what it says, as JSON like every answer", async () => {
    const node = async () => {
      throw new CoprocessorError("the database does not answer", {
        code: "store/unavailable",
        retry: "backoff",
      });
    };
    expect(await get("/status", { node })).toEqual({
      status: 500,
      body: { error: "store/unavailable: the database does not answer" },
    });
  });

  it.each(["0", "501", "many"])("limit=%s: refused with the bounds, for any list", async (limit) => {
    for (const path of ["/requests", "/evidence"]) {
      expect(await get(`${path}?limit=${limit}`, {})).toEqual({
        status: 400,
        body: { error: "limit must be 1 to 500" },
      });
      await server?.close();
    }
    server = null;
  });

  it("evidence: of the operator and the kind that are asked for", async () => {
    const asked: unknown[] = [];
    const evidence: StatusSource["evidence"] = async (filter) => {
      asked.push(filter);
      return [];
    };
    await get("/evidence?operator=2&kind=equivocation&limit=7", { evidence });
    expect(asked).toEqual([{ operatorId: 2, kind: "equivocation", limit: 7 }]);
  });

  it("what changes something: only with the token, only by POST, and what it refuses is a conflict with its code", async () => {
    const requestId = `0x${"ab".repeat(32)}`;
    const path = `/queue/${requestId}/retry`;
    const asked: string[] = [];
    const source: Partial<StatusSource> = {
      admits: (header) => header === "Bearer right",
      retry: async (id) => {
        asked.push(id);
        throw new CoprocessorError("it is over", { code: "request/too-late", retry: "never" });
      },
    };
    const post = async (authorization: string) => {
      const answer = await get(path, source, { method: "POST", headers: { authorization } });
      await server?.close();
      return answer;
    };
    expect((await post("Bearer wrong")).status).toBe(401);
    expect((await get(path, source, { headers: { authorization: "Bearer right" } })).status).toBe(404);
    await server?.close();
    expect(asked).toEqual([]);
    expect(await post("Bearer right")).toEqual({
      status: 409,
      body: { error: "request/too-late: it is over" },
    });
    expect(asked).toEqual([requestId]);
    server = null;
  });
});
