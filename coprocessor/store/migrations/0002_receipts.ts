import type { Migration } from "../migrate.ts";

export const receipts: Migration = {
  version: 2,
  name: "receipts",
  sql: `
create table sibyl.receipt (
  key text primary key,
  receipt jsonb not null,
  computed_at bigint not null
);
create index receipt_by_computed_at on sibyl.receipt (computed_at);
`,
};
