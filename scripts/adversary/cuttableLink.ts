import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { Teardown } from "../network/teardown.ts";

/** Stands before operators' ports for peers, and can cut all connections through them. */
export interface Links {
  /** A port of its own in front of one of 127.0.0.1. */
  front(port: number): Promise<number>;
  /** Ends every connection, and lets no new one in. */
  cut(): void;
  heal(): void;
}

export function createLinks(teardown: Teardown): Links {
  const open = new Set<Socket>();
  let whole = true;
  const keep = (socket: Socket, other: Socket) => {
    open.add(socket);
    socket.on("error", () => other.destroy());
    socket.on("close", () => {
      open.delete(socket);
      other.destroy();
    });
  };
  return {
    async front(port) {
      const server = createServer((client) => {
        if (!whole) return client.destroy();
        const target = connect(port, "127.0.0.1");
        keep(client, target);
        keep(target, client);
        for (const socket of [client, target]) socket.setNoDelay(true);
        client.pipe(target).pipe(client);
      }).listen(0, "127.0.0.1");
      await once(server, "listening");
      teardown.add("link", () => {
        for (const socket of open) socket.destroy();
        return new Promise((resolve) => server.close(resolve));
      });
      return (server.address() as AddressInfo).port;
    },
    cut() {
      whole = false;
      for (const socket of open) socket.destroy();
    },
    heal() {
      whole = true;
    },
  };
}
