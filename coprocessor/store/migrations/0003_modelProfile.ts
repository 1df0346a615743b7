import type { Migration } from "../migrate.ts";

/**
 * How a model's outputs compare, as the registry says it.
 *
 * Models that were stored before carry 0, which is no profile: their contracts had none, and their events are not read
 * again, so the node serves them no more and says why.
 */
export const modelProfile: Migration = {
  version: 3,
  name: "model profile",
  sql: `
alter table sibyl.model_version add column profile numeric(78, 0) not null default 0;
alter table sibyl.model_version alter column profile drop default;
`,
};
