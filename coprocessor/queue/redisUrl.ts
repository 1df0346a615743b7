import { CoprocessorError } from "../core/errors.ts";

export interface HostPort {
  host: string;
  port: number;
}

/** Where a Redis is, whichever way it is run. */
export interface RedisPlace {
  kind: "standalone" | "sentinel" | "cluster";
  tls: boolean;
  /** One server; or sentinels, or some of a cluster's nodes. */
  hosts: HostPort[];
  /** What the sentinels call the server; empty otherwise. */
  master: string;
  username?: string;
  password?: string;
  /** Number of the database; a cluster has only 0. */
  db: number;
  /** All of it without user and password, for logs. */
  address: string;
}

/** Schemes of `QUEUE_URL` that are Redis. */
export const REDIS_SCHEMES = [
  "redis:",
  "rediss:",
  "redis+sentinel:",
  "rediss+sentinel:",
  "redis+cluster:",
  "rediss+cluster:",
] as const;

const REDIS_PORT = 6_379;
const SENTINEL_PORT = 26_379;

const SHAPE =
  /^(?<scheme>rediss?)(?:\+(?<kind>sentinel|cluster))?:\/\/(?:(?<user>[^:@/]*)(?::(?<password>[^@/]*))?@)?(?<hosts>[^@/?#]+)(?<path>\/[^?#]*)?$/;
const HOST = /^(?<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(?<port>\d{1,5}))?$/;

/**
 * Reads `redis[s]://[user:password@]host[:port][/db]`, `redis[s]+sentinel://…@host,host,…/master[/db]`, and
 * `redis[s]+cluster://…@host,host,…`. User and password are percent-encoded, and go to the servers, not to sentinels.
 *
 * @throws CoprocessorError `queue/bad-url`, whose message repeats nothing of what may be a password.
 */
export function parseRedisUrl(url: string): RedisPlace {
  const parts = SHAPE.exec(url)?.groups;
  if (parts === undefined) throw badUrl("it has another shape");
  const kind = (parts.kind ?? "standalone") as RedisPlace["kind"];
  const hosts = (parts.hosts as string).split(",").map((text) => hostOf(text, kind));
  if (kind === "standalone" && hosts.length > 1)
    throw badUrl("several hosts are redis+sentinel:// or redis+cluster://");
  const path = (parts.path ?? "").split("/").slice(1).filter(Boolean);
  const master = kind === "sentinel" ? (path.shift() ?? "") : "";
  if (kind === "sentinel" && master === "") throw badUrl("after the sentinels comes /name-of-the-master");
  const db = path.shift() ?? "0";
  if (!/^\d{1,4}$/.test(db) || path.length > 0) throw badUrl("its database is not a number");
  if (kind === "cluster" && db !== "0") throw badUrl("a cluster has no databases");
  const username = decoded(parts.user);
  const password = decoded(parts.password);
  return {
    kind,
    tls: parts.scheme === "rediss",
    hosts,
    master,
    ...(username === "" ? {} : { username }),
    ...(password === "" ? {} : { password }),
    db: Number(db),
    address: url.replace(/\/\/[^/]*@/, "//"),
  };
}

function hostOf(text: string, kind: RedisPlace["kind"]): HostPort {
  const parts = HOST.exec(text.trim())?.groups;
  const port = Number(parts?.port ?? (kind === "sentinel" ? SENTINEL_PORT : REDIS_PORT));
  if (parts?.host === undefined || port === 0 || port > 65_535)
    throw badUrl("a host is not host or host:port");
  return { host: parts.host.replace(/^\[|\]$/g, ""), port };
}

function decoded(text: string | undefined): string {
  try {
    return decodeURIComponent(text ?? "");
  } catch {
    throw badUrl("user or password are not percent-encoded");
  }
}

const badUrl = (fault: string): CoprocessorError =>
  new CoprocessorError(
    `the queue's URL must be redis://[user:password@]host[:port][/db], redis+sentinel://…/master, redis+cluster://… or the same with rediss: ${fault}`,
    { code: "queue/bad-url", retry: "never" },
  );
