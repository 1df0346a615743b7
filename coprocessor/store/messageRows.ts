import { hash } from "node:crypto";
import { and, asc, eq, sql } from "drizzle-orm";
import type { PeerMessage } from "../core/messages.ts";
import type { RequestKey } from "../core/request.ts";
import type { Statement } from "../core/statement.ts";
import type { Queries } from "./database.ts";
import { asKept, MESSAGES_PER_SLOT, viewOf } from "./messageSlots.ts";
import type { StoredPeerMessage } from "./port.ts";
import { isOneOf, recordset, rowsOf } from "./recordset.ts";
import { peerMessages, statements } from "./schema.ts";

const HEARD = { seq: peerMessages.seq, message: peerMessages.message, receivedAt: peerMessages.receivedAt };

/** Stores what slots are free for. @returns what stands in each slot. */
export async function recordStatements(
  queries: Queries,
  written: readonly Statement[],
): Promise<Statement[]> {
  if (written.length === 0) return [];
  const rows = recordset(written, { key: "text", slot: "text", message: "jsonb", createdAt: "bigint" });
  const inserted = await queries.execute(sql`
    insert into ${statements} ("key", "slot", "message", "created_at")
    select ${rows.columns} from ${rows.source} order by ${rows.place}
    on conflict do nothing
    returning "key", "slot"
  `);
  const stored = new Set(
    rowsOf<{ key: string; slot: string }>(inserted).map(({ key, slot }) => `${key} ${slot}`),
  );
  const standing: Statement[] = [];
  for (const statement of written) {
    // The first of two with one slot; the second finds it there.
    const isStored = stored.delete(`${statement.key} ${statement.slot}`);
    standing.push(isStored ? statement : await statementIn(queries, statement));
  }
  return standing;
}

async function statementIn(queries: Queries, { key, slot }: Statement): Promise<Statement> {
  const [taken] = await queries
    .select()
    .from(statements)
    .where(and(eq(statements.key, key), eq(statements.slot, slot)));
  if (taken === undefined) throw new Error(`statement ${slot} of ${key} vanished`);
  return taken;
}

export async function listStatements(queries: Queries, keys: readonly RequestKey[]): Promise<Statement[]> {
  return queries
    .select()
    .from(statements)
    .where(isOneOf(statements.key, keys))
    .orderBy(asc(statements.createdAt), asc(statements.slot));
}

export async function listSpokenAbout(queries: Queries, keys: readonly RequestKey[]): Promise<RequestKey[]> {
  const rows = await queries
    .selectDistinct({ key: statements.key })
    .from(statements)
    .where(isOneOf(statements.key, keys));
  return rows.map(({ key }) => key);
}

/** A message about a request, as it is to be stored. */
export interface HeardAbout extends Omit<StoredPeerMessage, "seq"> {
  key: RequestKey;
}

/** A message as its row has it. */
export function asWritten(heard: HeardAbout) {
  const message = asKept(heard.message);
  return { ...heard, message, ...slotOf(heard), digest: digestOf(message) };
}

/** Stores messages in this order. @returns for each what was stored, or null. */
export async function addPeerMessages(
  queries: Queries,
  heard: readonly HeardAbout[],
): Promise<(StoredPeerMessage | null)[]> {
  if (heard.length === 0) return [];
  const written = heard.map(asWritten);
  const rows = recordset(written, {
    key: "text",
    kind: "text",
    operatorId: "bigint",
    view: "bigint",
    digest: "text",
    message: "jsonb",
    receivedAt: "bigint",
  });
  // Nearly always the slots are free: then one statement does.
  const inserted = await queries.execute(sql`
    insert into ${peerMessages} ("key", "kind", "operator_id", "view", "digest", "message", "received_at", "ordinal")
    select ${rows.columns}, 0 from ${rows.source} order by ${rows.place}
    on conflict do nothing
    returning "seq", "key", "digest"
  `);
  const rowsInserted = rowsOf<{ seq: string; key: string; digest: string }>(inserted);
  const seqs = new Map(rowsInserted.map(({ seq, key, digest }) => [`${key} ${digest}`, Number(seq)]));
  const isNew = ({ key, digest }: { key: string; digest: string }) => seqs.has(`${key} ${digest}`);
  const known = await knownAmong(
    queries,
    written.filter((one) => !isNew(one)),
  );
  const results: (StoredPeerMessage | null)[] = [];
  for (const { key, digest, message, receivedAt } of written) {
    const name = `${key} ${digest}`;
    const seq = seqs.get(name);
    if (known.has(name)) results.push(null);
    else if (seq !== undefined) results.push({ seq, message, receivedAt });
    else results.push(await addToTakenSlot(queries, { key, message, receivedAt }, digest));
    known.add(name);
  }
  return results;
}

/** Names of the messages that are stored word for word; most that find their slot taken are. */
async function knownAmong(
  queries: Queries,
  messages: readonly { key: RequestKey; digest: string }[],
): Promise<Set<string>> {
  if (messages.length === 0) return new Set();
  const keys = [...new Set(messages.map(({ key }) => key))];
  const rows = await queries
    .select({ key: peerMessages.key, digest: peerMessages.digest })
    .from(peerMessages)
    .where(isOneOf(peerMessages.key, keys));
  const stored = new Set(rows.map(({ key, digest }) => `${key} ${digest}`));
  const names = messages.map(({ key, digest }) => `${key} ${digest}`);
  return new Set(names.filter((name) => stored.has(name)));
}

/** Another message stands in the slot, or the same. */
async function addToTakenSlot(
  queries: Queries,
  heard: HeardAbout,
  digest: string,
): Promise<StoredPeerMessage | null> {
  const slot = slotOf(heard);
  for (;;) {
    const known = await queries
      .select({ digest: peerMessages.digest })
      .from(peerMessages)
      .where(
        and(
          eq(peerMessages.key, slot.key),
          eq(peerMessages.kind, slot.kind),
          eq(peerMessages.operatorId, slot.operatorId),
          eq(peerMessages.view, slot.view),
        ),
      );
    if (known.length >= MESSAGES_PER_SLOT || known.some((row) => row.digest === digest)) return null;
    const { message, receivedAt } = heard;
    const [stored] = await queries
      .insert(peerMessages)
      .values({ ...slot, ordinal: known.length, digest, message, receivedAt })
      .onConflictDoNothing()
      .returning(HEARD);
    if (stored !== undefined) return stored;
  }
}

/** Where a message is kept. */
function slotOf({ key, message }: HeardAbout) {
  const { kind, operatorId } = message;
  return { key, kind, operatorId, view: viewOf(message) };
}

export async function listPeerMessages(
  queries: Queries,
  keys: readonly RequestKey[],
): Promise<(StoredPeerMessage & { key: RequestKey })[]> {
  return queries
    .select({ key: peerMessages.key, ...HEARD })
    .from(peerMessages)
    .where(isOneOf(peerMessages.key, keys))
    .orderBy(asc(peerMessages.seq));
}

/** Two messages that differ in their signature alone say the same. */
function digestOf(message: PeerMessage): string {
  return hash("sha256", canonical({ ...message, signature: undefined }));
}

/** JSON whose fields are in order. */
function canonical(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  const fields = Object.entries(value).filter(([, inner]) => inner !== undefined);
  fields.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, inner]) => `${JSON.stringify(name)}:${canonical(inner)}`).join(",")}}`;
}
