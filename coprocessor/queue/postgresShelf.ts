import type { Pool } from "pg";
import type { Hex } from "viem";
import type { PayloadShelf } from "./largePayload.ts";

/** Made beside BullMQ's tables, whose schema is the session's search_path. */
export const SHELF_TABLE = `
create table if not exists sibyl_payload (
  name text primary key,
  bytes text not null,
  expires_at timestamp with time zone not null
)`;

/** Large payloads as rows; what is over is removed whenever something is put. */
export function createPostgresShelf(pool: Pool, namespace: string): PayloadShelf {
  const keyOf = (name: string) => `${namespace}/${name}`;
  return {
    async put(name, bytes, ttlMs) {
      await pool.query("delete from sibyl_payload where expires_at < clock_timestamp()");
      await pool.query(
        `insert into sibyl_payload (name, bytes, expires_at)
         values ($1, $2, clock_timestamp() + $3 * interval '1 millisecond')
         on conflict (name) do update set bytes = excluded.bytes, expires_at = excluded.expires_at`,
        [keyOf(name), bytes, ttlMs],
      );
    },
    async get(name) {
      const { rows } = await pool.query<{ bytes: Hex }>("select bytes from sibyl_payload where name = $1", [
        keyOf(name),
      ]);
      return rows[0]?.bytes ?? null;
    },
    async drop(names) {
      await pool.query("delete from sibyl_payload where name = any($1)", [names.map(keyOf)]);
    },
  };
}
