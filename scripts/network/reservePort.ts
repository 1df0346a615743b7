import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:net";

/**
 * Lower than what operating systems give out by themselves (Linux from 32768, others from 49152): between a port's release and
 * its use by a process that takes seconds to start, or while that process is restarted, no connection's own end lands on it.
 */
const PORTS = { from: 20_000, to: 30_000 };
const MOST_TRIES = 100;
/** Somebody has it, or the system keeps it for itself. */
const TAKEN = new Set(["EADDRINUSE", "EACCES"]);

export interface ReservedPort {
  port: number;
  /** Lets go of it, for the process that is meant to have it. */
  release(): Promise<void>;
}

/** Takes a free port of the loopback interface and holds it, so that nobody else is given it meanwhile. */
export async function reservePort(): Promise<ReservedPort> {
  for (let tries = 1; ; tries++) {
    const port = randomInt(PORTS.from, PORTS.to);
    try {
      const server = await listenOn(port);
      let released: Promise<void> | null = null;
      return {
        port,
        release() {
          released ??= new Promise((resolve) => server.close(() => resolve()));
          return released;
        },
      };
    } catch (error) {
      if (tries === MOST_TRIES || !TAKEN.has((error as NodeJS.ErrnoException).code ?? "")) throw error;
    }
  }
}

/** A port that nobody listens on now, for a server that cannot say which one the system gave it. */
export async function freePort(): Promise<number> {
  const { port, release } = await reservePort();
  await release();
  return port;
}

async function listenOn(port: number): Promise<Server> {
  // Peers that were told of the port may dial it already: a connection that nobody reads would keep it for ever.
  const server = createServer((socket) => socket.destroy()).listen(port, "127.0.0.1");
  await once(server, "listening");
  return server;
}
