import type { Migration } from "../migrate.ts";

/** Disputes are rows beside the requests that they are about; second looks at proposed outputs have a table of their own. */
export const disputes: Migration = {
  version: 5,
  name: "disputes",
  sql: `
alter table sibyl.request add column dispute jsonb;
alter table sibyl.request add column challenged_block bigint;
alter table sibyl.request add column dispute_id text;
alter table sibyl.request add column verdict text;
create index request_by_challenged_block on sibyl.request (challenged_block);

alter table sibyl.outbox add column value numeric(78, 0) not null default 0;

create table sibyl.watch (
  key text primary key,
  state text not null,
  window_ends_at bigint not null,
  output text,
  proposed_output text,
  reason text,
  created_at bigint not null,
  updated_at bigint not null
);
create index watch_by_window on sibyl.watch (state, window_ends_at);
`,
};
