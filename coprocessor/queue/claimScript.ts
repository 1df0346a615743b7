import type { Cluster, Redis } from "ioredis";

/** BullMQ's script that takes the next job, and ours; its release's number follows. */
const TAKE_ONE = /^moveToActive:/;
/** What the command is called behind a client, without the release's number. */
export const CLAIM = "claimJobs";

/**
 * Takes several jobs in one go, each as BullMQ's own script does, whose text goes in between.
 *
 * KEYS as that script's. ARGV: prefix of keys, Unix milliseconds, milliseconds of a lock, the share of what waits that is taken at
 * most, then a token for each job that there is room for. Answers what that script answers, for each job, and last for none when
 * the queue is empty then.
 *
 * An empty queue has no marker: it would wake a neighbour who finds nothing.
 */
const claimScript = (takeOne: string): string => `
local function takeOne(KEYS, ARGV)
${takeOne}
end
local function waiting() return redis.call("LLEN", KEYS[1]) + redis.call("ZCARD", KEYS[3]) end
local most = math.ceil(waiting() * tonumber(ARGV[4]))
local claimed = {}
for at = 5, #ARGV do
  local opts = cmsgpack.pack({ token = ARGV[at], lockDuration = tonumber(ARGV[3]) })
  local taken = takeOne(KEYS, { ARGV[1], ARGV[2], opts })
  claimed[#claimed + 1] = taken
  if taken[2] == 0 then return claimed end
  if #claimed >= most then break end
end
if waiting() == 0 then
  redis.call("ZREM", KEYS[11], "0")
  local nextDelayed = redis.call("ZRANGE", KEYS[7], 0, 0, "WITHSCORES")
  claimed[#claimed + 1] = { 0, 0, 0, nextDelayed[2] and math.floor(tonumber(nextDelayed[2]) / 0x1000) or 0 }
end
return claimed`;

/** Defines the script on a connection, beside BullMQ's own, as soon as BullMQ defines those. */
export function defineClaim(redis: Redis | Cluster): void {
  const define = redis.defineCommand.bind(redis);
  redis.defineCommand = (name, definition) => {
    if (TAKE_ONE.test(name))
      define(name.replace(TAKE_ONE, `${CLAIM}:`), { ...definition, lua: claimScript(definition.lua) });
    define(name, definition);
  };
}
