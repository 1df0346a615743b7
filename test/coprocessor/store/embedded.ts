import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDrizzleStore } from "../../../coprocessor/store/drizzleStore.ts";
import { openEmbeddedDatabase } from "../../../coprocessor/store/embeddedDatabase.ts";
import { followedTransactions } from "../../../coprocessor/store/transactionScope.ts";
import { collectedLog } from "../collectedLog.ts";
import type { StoreUnderTest } from "./conformance.ts";

/** A fresh cluster that test files copy: making one takes seconds. */
export const TEMPLATE = join(tmpdir(), `sibyl-test-cluster-${process.getuid?.() ?? 0}`);

const TABLES = [
  "receipt",
  "watch",
  "block",
  "request",
  "statement",
  "peer_message",
  "operator_version",
  "enrolment_version",
  "model_version",
  "outbox",
  "evidence",
  "opening_demand",
  "slash",
  "memory",
];

export const TRUNCATE = `truncate ${TABLES.map((table) => `sibyl.${table}`).join(", ")}`;

/** A folder for one test's database. */
export function temporaryFolder() {
  const path = mkdtempSync(join(tmpdir(), "sibyl-store-"));
  return {
    path,
    options: { directory: join(path, "db"), template: TEMPLATE },
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

export async function openEmbeddedStore(): Promise<StoreUnderTest> {
  const folder = temporaryFolder();
  const log = collectedLog();
  const database = await openEmbeddedDatabase({
    ...folder.options,
    searchPath: "bullmq",
    transactions: followedTransactions(),
    log,
  });
  const store = await createDrizzleStore({ database, log });
  return {
    store,
    clear: async () => void (await database.pglite.exec(TRUNCATE)),
    close: async () => {
      await store.close();
      await database.close();
      folder.remove();
    },
  };
}
