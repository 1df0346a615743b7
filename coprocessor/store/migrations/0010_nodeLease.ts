import type { Migration } from "../migrate.ts";

/**
 * Who may write: one row whose token grows with every node that takes over. Whoever takes the lease needs this table before
 * the schema is brought up to date, so it is made by either, whichever comes first.
 */
export const LEASE_TABLE = `
create schema if not exists sibyl;
create table if not exists sibyl.node_lease (
  id integer primary key check (id = 1),
  token bigint not null unique,
  store_id uuid not null default gen_random_uuid(),
  name text not null,
  holder jsonb not null,
  expires_at timestamp with time zone not null
);
`;

const FENCED_TABLES = [
  "block",
  "request",
  "statement",
  "peer_message",
  "operator_version",
  "enrolment_version",
  "model_version",
  "outbox",
  "receipt",
  "watch",
  "evidence",
  "opening_demand",
  "slash",
  "memory",
];

/**
 * A fence around every table: a session that names its token in `sibyl_node.fence` writes only while that token holds the lease,
 * and holds the lease in place until its transaction ends. Renewing leaves the key alone, so it does not wait for writers;
 * taking over changes it, so it does. A session that names none (an embedded database, a person) is not asked.
 */
export const nodeLease: Migration = {
  version: 10,
  name: "nodeLease",
  sql: `${LEASE_TABLE}
create function sibyl.check_fence() returns trigger language plpgsql as $fence$
declare
  holding bigint;
begin
  select token into holding from sibyl.node_lease where id = 1 for key share;
  if holding is distinct from current_setting('sibyl_node.fence')::bigint then
    raise exception using
      errcode = 'SY001',
      message = format('this node had lease %s, and lease %s holds', current_setting('sibyl_node.fence'), holding);
  end if;
  return null;
end
$fence$;
${FENCED_TABLES.map(
  (table) => `create trigger fence before insert or update or delete on sibyl.${table} for each statement
  when (coalesce(current_setting('sibyl_node.fence', true), '') <> '') execute function sibyl.check_fence();`,
).join("\n")}
`,
};
