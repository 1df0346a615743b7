import type { Migration } from "../migrate.ts";

export const initial: Migration = {
  version: 1,
  name: "initial",
  sql: `
create table sibyl.block (
  number bigint primary key,
  hash text not null,
  parent_hash text not null,
  timestamp bigint not null
);

create table sibyl.request (
  key text primary key,
  chain_id bigint not null,
  oracle text not null,
  request_id text not null,
  model_id text not null,
  input_hash text not null,
  terms numeric(78, 0) not null,
  opening numeric(78, 0) not null,
  funds numeric(78, 0) not null,
  input text not null,
  deadline bigint not null,
  opened_block bigint not null,
  opened_block_hash text not null,
  opened_transaction text not null,
  state text not null,
  reason text,
  output text,
  output_hash text,
  closed_block bigint,
  closed_transaction text,
  settled_output text,
  callback_failed boolean not null,
  created_at bigint not null,
  updated_at bigint not null,
  removed boolean not null default false
);
create index request_by_deadline on sibyl.request (state, deadline);
create index request_by_opened_block on sibyl.request (opened_block);
create index request_by_closed_block on sibyl.request (closed_block);

create table sibyl.statement (
  key text not null,
  slot text not null,
  message jsonb not null,
  created_at bigint not null,
  primary key (key, slot)
);

create table sibyl.peer_message (
  seq bigserial primary key,
  key text not null,
  kind text not null,
  operator_id bigint not null,
  view bigint not null,
  ordinal smallint not null,
  digest text not null,
  message jsonb not null,
  received_at bigint not null
);
create unique index peer_message_slot on sibyl.peer_message (key, kind, operator_id, view, ordinal);
create unique index peer_message_digest on sibyl.peer_message (key, kind, operator_id, view, digest);

create table sibyl.operator_version (
  operator_id bigint not null,
  block bigint not null,
  owner text not null,
  attester text not null,
  endpoint text not null,
  primary key (operator_id, block)
);

create table sibyl.enrolment_version (
  model_id text not null,
  operator_id bigint not null,
  block bigint not null,
  attester text not null,
  weight numeric(78, 0) not null,
  active_from bigint not null,
  primary key (model_id, operator_id, block)
);

create table sibyl.model_version (
  model_id text not null,
  block bigint not null,
  publisher text not null,
  manifest_uri text not null,
  primary key (model_id, block)
);

create table sibyl.outbox (
  id text primary key,
  key text not null,
  kind text not null,
  "to" text not null,
  data text not null,
  gas numeric(78, 0) not null,
  max_fee_per_gas_cap numeric(78, 0) not null,
  state text not null,
  nonce bigint,
  attempts jsonb not null,
  mined_transaction text,
  mined_block bigint,
  succeeded boolean,
  reason text,
  created_at bigint not null,
  updated_at bigint not null
);
create index outbox_by_key on sibyl.outbox (key);
create index outbox_by_state on sibyl.outbox (state);
create unique index outbox_nonce on sibyl.outbox (nonce);
`,
};
