import { createHash } from "node:crypto";
import { and, asc, eq, inArray } from "drizzle-orm";
import type { PeerMessage } from "../core/messages.ts";
import type { RequestKey } from "../core/request.ts";
import type { Statement } from "../core/statement.ts";
import type { Queries } from "./database.ts";
import type { StoredPeerMessage } from "./port.ts";
import { peerMessages, statements } from "./schema.ts";
import { filledUp } from "./statementSizes.ts";

/** The first message in a slot and one that contradicts it: together they are evidence, more prove no more. */
const MESSAGES_PER_SLOT = 2;

const HEARD = { seq: peerMessages.seq, message: peerMessages.message, receivedAt: peerMessages.receivedAt };

export async function recordStatement(queries: Queries, statement: Statement): Promise<Statement> {
  const [inserted] = await queries.insert(statements).values(statement).onConflictDoNothing().returning();
  if (inserted !== undefined) return inserted;
  const [taken] = await queries
    .select()
    .from(statements)
    .where(and(eq(statements.key, statement.key), eq(statements.slot, statement.slot)));
  if (taken === undefined) throw new Error(`statement ${statement.slot} of ${statement.key} vanished`);
  return taken;
}

export async function listStatements(queries: Queries, key: RequestKey): Promise<Statement[]> {
  return queries
    .select()
    .from(statements)
    .where(eq(statements.key, key))
    .orderBy(asc(statements.createdAt), asc(statements.slot));
}

export async function listSpokenAbout(queries: Queries, keys: readonly RequestKey[]): Promise<RequestKey[]> {
  const spoken: RequestKey[] = [];
  for (const some of filledUp(keys)) {
    const rows = await queries
      .selectDistinct({ key: statements.key })
      .from(statements)
      .where(inArray(statements.key, some));
    spoken.push(...rows.map(({ key }) => key));
  }
  return spoken;
}

export async function addPeerMessage(
  queries: Queries,
  key: RequestKey,
  message: PeerMessage,
  receivedAt: number,
): Promise<StoredPeerMessage | null> {
  const { kind, operatorId } = message;
  const slot = { key, kind, operatorId, view: "view" in message ? message.view : 0 };
  const digest = digestOf(message);
  // Nearly always the slot is free: then one statement does.
  let ordinal = 0;
  for (;;) {
    const [stored] = await queries
      .insert(peerMessages)
      .values({ ...slot, ordinal, digest, message, receivedAt })
      .onConflictDoNothing()
      .returning(HEARD);
    if (stored !== undefined) return stored;
    const known = await queries
      .select({ digest: peerMessages.digest })
      .from(peerMessages)
      .where(
        and(
          eq(peerMessages.key, key),
          eq(peerMessages.kind, kind),
          eq(peerMessages.operatorId, operatorId),
          eq(peerMessages.view, slot.view),
        ),
      );
    if (known.length >= MESSAGES_PER_SLOT || known.some((row) => row.digest === digest)) return null;
    ordinal = known.length;
  }
}

export async function listPeerMessages(queries: Queries, key: RequestKey): Promise<StoredPeerMessage[]> {
  return queries
    .select(HEARD)
    .from(peerMessages)
    .where(eq(peerMessages.key, key))
    .orderBy(asc(peerMessages.seq));
}

/** Two messages that differ in their signature alone say the same. */
function digestOf(message: PeerMessage): string {
  const { signature: _, ...said } = { signature: null, ...message };
  const canonical = JSON.stringify(said, (_name, value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
  return createHash("sha256").update(canonical).digest("hex");
}
