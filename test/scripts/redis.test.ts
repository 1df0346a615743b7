import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ensureDebianProgram } from "../../scripts/services/debianPackage.ts";
import { ensureRedis, type RedisServer, startRedis } from "../../scripts/services/redis.ts";

const redis = await ensureRedis();

describe("ensureDebianProgram", () => {
  it("path: a program that is there is found without installing anything", async () => {
    expect(await ensureDebianProgram("sh", "no-such-package-sibyl")).toEqual({
      path: expect.stringMatching(/\/sh$/),
    });
  });
});

describe.skipIf("unavailable" in redis)("startRedis", () => {
  let server: RedisServer;
  const path = "path" in redis ? redis.path : "";

  beforeAll(async () => {
    server = await startRedis({ path });
  });
  afterAll(() => server.stop());

  it("settings: nothing is evicted and nothing is written to disk", async () => {
    expect(await ask(server.port, "CONFIG GET maxmemory-policy")).toContain("noeviction");
    expect(await ask(server.port, "CONFIG GET appendonly")).toContain("no");
    expect(await ask(server.port, "SET key value")).toContain("+OK");
  });

  it("isolation: a second server has its own port and data", async () => {
    await using other = await startRedis({ path });
    expect(other.port).not.toBe(server.port);
    expect(await ask(other.port, "EXISTS key")).toContain(":0");
  });

  it("taken port: refused, rather than the foreign server taken for ours", async () => {
    await expect(startRedis({ path, port: server.port })).rejects.toThrow(/Address already in use/);
  });

  it("stop: the process is gone and may be stopped again", async () => {
    const other = await startRedis({ path });
    await other.stop();
    await other.stop();
    expect(() => process.kill(other.pid, 0)).toThrow(/ESRCH/);
  });

  it("kill: a new server may take the port of a killed one", async () => {
    const first = await startRedis({ path });
    await first.kill();
    await using second = await startRedis({ path, port: first.port });
    expect(second.url).toBe(first.url);
  });
});

/** Sends one inline command and returns the raw reply. */
function ask(port: number, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let reply = "";
    const socket = connect({ host: "127.0.0.1", port }, () => socket.end(`${command}\r\n`));
    socket.on("data", (chunk) => {
      reply += chunk.toString();
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(reply));
  });
}
