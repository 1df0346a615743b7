import type { Migration } from "../migrate.ts";

/** A database that has followed the chain before this step has forgotten nothing: it begins with the chain. */
export const memory: Migration = {
  version: 8,
  name: "memory",
  sql: `
create table sibyl.memory (
  id integer primary key check (id = 1),
  block bigint not null,
  "timestamp" bigint not null
);
insert into sibyl.memory (id, block, "timestamp") select 1, 0, 0 where exists (select 1 from sibyl.block);
`,
};
