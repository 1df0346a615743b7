import { createServer, connect as dial, type Socket } from "node:net";
import type { Redis } from "ioredis";
import { afterEach, describe, expect, test, vi } from "vitest";
import { connectRedis } from "../../../coprocessor/queue/redisConnection.ts";
import { ensureRedis, startRedis } from "../../../scripts/services/redis.ts";
import { collectedLog } from "../collectedLog.ts";

const COMMANDS = 50;
const redis = await ensureRedis();
const skip = "unavailable" in redis ? redis.unavailable : false;

/** A way to a server that can be cut. */
async function cuttableFront(port: number) {
  const sockets = new Set<Socket>();
  const front = createServer((client) => {
    const server = dial(port, "127.0.0.1");
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => sockets.delete(socket));
    }
    client.pipe(server).pipe(client);
  });
  await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
  const address = front.address();
  if (address === null || typeof address === "string") throw new Error("a TCP address expected");
  return {
    url: `redis://127.0.0.1:${address.port}`,
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
    close: () => front.close(),
  };
}

describe.skipIf(skip !== false)(`writes to Redis${skip === false ? "" : ` (skipped: ${skip})`}`, () => {
  const cleanups: (() => unknown)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  const open = async () => {
    if ("unavailable" in redis) throw new Error(redis.unavailable);
    const server = await startRedis({ path: redis.path });
    cleanups.push(() => server.stop());
    const front = await cuttableFront(server.port);
    cleanups.push(
      () => front.close(),
      () => front.cut(),
    );
    const connections = await connectRedis(front.url, collectedLog());
    cleanups.push(() => connections.disconnect());
    return { front, client: connections.main as Redis };
  };

  test("joined: what is said in one turn goes out together, and each command has its own answer", async () => {
    const { client } = await open();
    const [single, joined] = [
      vi.spyOn(client.stream, "_write"),
      vi.spyOn(client.stream, "_writev" as "_write"),
    ];
    const answers = await Promise.all(
      Array.from({ length: COMMANDS }, (_, index) => client.set(`key ${index}`, index, "GET")),
    );
    expect(answers).toEqual(Array.from({ length: COMMANDS }, () => null));
    expect([single.mock.calls.length, joined.mock.calls.length]).toEqual([0, 1]);
    expect(await Promise.all([client.get("key 7"), client.get("key 49")])).toEqual(["7", "49"]);
  });

  test("said again: what a broken connection left unanswered", async () => {
    const { front, client } = await open();
    for (let round = 1; round <= 5; round += 1) {
      const answers = Promise.all(Array.from({ length: COMMANDS }, () => client.incr(`round ${round}`)));
      front.cut();
      expect(Math.max(...(await answers))).toBeGreaterThanOrEqual(COMMANDS);
    }
    const later = await Promise.all(Array.from({ length: COMMANDS }, () => client.ping()));
    expect(new Set(later)).toEqual(new Set(["PONG"]));
  });
});
