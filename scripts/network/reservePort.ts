import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

export interface ReservedPort {
  port: number;
  /** Lets go of it, for the process that is meant to have it. */
  release(): Promise<void>;
}

/** Takes a free port of the loopback interface and holds it, so that nobody else is given it meanwhile. */
export async function reservePort(): Promise<ReservedPort> {
  // Peers that were told of the port may dial it already: a connection that nobody reads would keep it for ever.
  const server = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  let released: Promise<void> | null = null;
  return {
    port,
    release() {
      released ??= new Promise((resolve) => server.close(() => resolve()));
      return released;
    },
  };
}
