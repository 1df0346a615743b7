import { describe, expect, test } from "vitest";
import { parseRedisUrl } from "../../../coprocessor/queue/redisUrl.ts";

describe("Redis URLs", () => {
  test("one server, with and without everything that may be left out", () => {
    expect(parseRedisUrl("redis://localhost")).toEqual({
      kind: "standalone",
      tls: false,
      hosts: [{ host: "localhost", port: 6_379 }],
      master: "",
      db: 0,
      address: "redis://localhost",
    });
    expect(parseRedisUrl("rediss://node:p%40ss@[::1]:7000/3")).toEqual({
      kind: "standalone",
      tls: true,
      hosts: [{ host: "::1", port: 7_000 }],
      master: "",
      username: "node",
      password: "p@ss",
      db: 3,
      address: "rediss://[::1]:7000/3",
    });
  });

  test("sentinels name their master; a cluster has several nodes", () => {
    expect(parseRedisUrl("redis+sentinel://:secret@a,b:26380/jobs/1")).toMatchObject({
      kind: "sentinel",
      hosts: [
        { host: "a", port: 26_379 },
        { host: "b", port: 26_380 },
      ],
      master: "jobs",
      password: "secret",
      db: 1,
      address: "redis+sentinel://a,b:26380/jobs/1",
    });
    expect(parseRedisUrl("rediss+cluster://a:1,b:2")).toMatchObject({ kind: "cluster", tls: true, db: 0 });
  });

  test.each([
    ["localhost:6379", "another shape"],
    ["http://user:secret@host", "another shape"],
    ["redis://", "another shape"],
    ["redis://a,b", "several hosts"],
    ["redis://host:70000", "not host or host:port"],
    ["redis://host/one", "not a number"],
    ["redis+sentinel://a", "name-of-the-master"],
    ["redis+cluster://a/1", "no databases"],
    ["redis://user:%zz@host", "percent-encoded"],
  ])("%s is refused", (url, fault) => {
    expect(() => parseRedisUrl(url)).toThrow(fault);
    expect(() => parseRedisUrl(url)).not.toThrow("secret");
  });
});
