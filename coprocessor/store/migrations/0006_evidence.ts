import type { Migration } from "../migrate.ts";

/**
 * What is held against operators, and the demands for openings.
 *
 * A slash and a demand are the chain's word and carry its block. Evidence is ours, and no reorg takes it back: the
 * signatures stand.
 */
export const evidence: Migration = {
  version: 6,
  name: "evidence",
  sql: `
create table sibyl.evidence (
  id text primary key,
  key text not null,
  operator_id bigint not null,
  offence text not null,
  kind text not null,
  proof jsonb not null,
  found_at bigint not null
);
create index evidence_by_operator on sibyl.evidence (operator_id, found_at);
create index evidence_by_found_at on sibyl.evidence (found_at);

create table sibyl.opening_demand (
  demand_id text primary key,
  court text not null,
  demand jsonb not null,
  operator_id bigint not null,
  demander text not null,
  deadline bigint not null,
  state text not null,
  demanded_block bigint not null,
  demanded_transaction text not null,
  closed_block bigint,
  amount_wei numeric(78, 0),
  reward_wei numeric(78, 0),
  output text,
  parked_reason text
);
create index opening_demand_by_state on sibyl.opening_demand (state, deadline);

create table sibyl.slash (
  operator_id bigint primary key,
  request_id text not null,
  reporter text not null,
  amount_wei numeric(78, 0) not null,
  reward_wei numeric(78, 0) not null,
  block bigint not null,
  transaction text not null
);
`,
};
