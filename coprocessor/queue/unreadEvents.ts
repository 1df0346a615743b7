import type { Cluster, Redis } from "ioredis";

/** What a node wants to hear of a job: that it has ended. */
const READ_EVENTS = ["completed", "failed"];

/**
 * Put before each of BullMQ's scripts: its `redis.call` leaves out what would write another event.
 *
 * `XADD` has the event's name behind the stream's name, an optional limit, the id and the field `event`.
 */
const PRELUDE = `
local call = redis.call
local read = { ${READ_EVENTS.map((name) => `["${name}"] = true`).join(", ")} }
local redis = setmetatable({
  call = function(command, ...)
    if command == "XADD" then
      local _, id, _, short, _, _, long = ...
      if not read[id == "MAXLEN" and long or short] then return false end
    end
    return call(command, ...)
  end,
}, { __index = redis })
`;

/**
 * Has BullMQ's scripts write no events that nobody reads: of the five that it writes of a job, each announced to every node and
 * taken apart there, one says how the job ended.
 *
 * BullMQ defines its scripts on the connections that it is given, and on copies of them, so that is where they are changed. Their
 * own text stays as it is, and whoever brings his own connection, as a viewer of queues does, runs them unchanged.
 */
export function leaveOutUnreadEvents(redis: Redis | Cluster): void {
  const define = redis.defineCommand.bind(redis);
  redis.defineCommand = (name, definition) => define(name, { ...definition, lua: PRELUDE + definition.lua });
}
