import type { Migration } from "../migrate.ts";

export const proposal: Migration = {
  version: 4,
  name: "proposal",
  sql: `
alter table sibyl.request add column proposed jsonb;
alter table sibyl.request add column proposed_block bigint;
create index request_by_proposed_block on sibyl.request (proposed_block);
`,
};
