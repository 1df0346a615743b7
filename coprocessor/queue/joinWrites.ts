import { Cluster, type Redis } from "ioredis";

/**
 * Has all that is said to a server in one turn of the event loop go out in one write.
 *
 * A queue's commands are short and come in bursts, and ioredis writes each by itself: a third of what a busy worker's
 * processor did. Its own answer, automatic pipelines, gives commands up when the connection breaks in the middle of a
 * pipeline; this changes nothing about what is sent again and what fails.
 */
export function joinWrites(redis: Redis | Cluster): void {
  if (redis instanceof Cluster) redis.on("+node", joinWritesTo);
  else joinWritesTo(redis);
}

function joinWritesTo(server: Redis): void {
  const send = server.sendCommand.bind(server);
  let isJoining = false;
  server.sendCommand = (command, stream) => {
    // There is none before the first connection, and a new one after each break.
    const socket = server.stream as typeof server.stream | undefined;
    if (!isJoining && socket !== undefined) {
      isJoining = true;
      socket.cork();
      setImmediate(() => {
        isJoining = false;
        socket.uncork();
      });
    }
    return send(command, stream);
  };
}
