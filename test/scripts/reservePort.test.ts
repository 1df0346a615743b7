import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { reservePort } from "../../scripts/network/reservePort.ts";

/** Where Linux says which ports it gives out by itself. */
const RANGE = "/proc/sys/net/ipv4/ip_local_port_range";
const LOWEST_GIVEN = existsSync(RANGE) ? Number(/\d+/.exec(readFileSync(RANGE, "utf8"))) : 49_152;
const LOWEST_USUAL = 32_768;

/** Listens for a moment. */
async function listenOn(port: number): Promise<void> {
  const server = createServer().listen(port, "127.0.0.1");
  await once(server, "listening");
  server.close();
  await once(server, "close");
}

test("a reserved port is nobody else's until it is released, and then anybody's", async () => {
  const { port, release } = await reservePort();
  await expect(listenOn(port)).rejects.toMatchObject({ code: "EADDRINUSE" });
  await Promise.all([release(), release()]);
  await listenOn(port);
});

test.skipIf(LOWEST_GIVEN < LOWEST_USUAL)(
  "no reserved port is one that a connection or a server without a wish is given meanwhile",
  async () => {
    const reserved = await Promise.all(Array.from({ length: 200 }, reservePort));
    const ports = reserved.map(({ port }) => port);
    await Promise.all(reserved.map(({ release }) => release()));
    expect(new Set(ports).size).toBe(ports.length);
    expect(Math.max(...ports)).toBeLessThan(LOWEST_GIVEN);
  },
);
