import { join } from "node:path";
import type { Config } from "../config.ts";
import type { Log } from "../observe/port.ts";
import type { QueueBackend } from "../queue/bullmqBackend.ts";
import { JobEndings } from "../queue/jobEndings.ts";
import { createCachedStore } from "../store/cachedStore.ts";
import { createDrizzleStore, type DrizzleStoreOptions } from "../store/drizzleStore.ts";
import { openEmbeddedDatabase } from "../store/embeddedDatabase.ts";
import type { Store } from "../store/port.ts";
import type { Closers } from "./closers.ts";

/** The queue that a URL leads to. */
export const backendOf = (queueUrl: string): QueueBackend => ({
  type: queueUrl.startsWith("redis") ? "redis" : "postgres-server",
  url: queueUrl,
});

/**
 * Store and queue share the embedded database unless a server is configured for either.
 *
 * @param fence The token of our lease of the store's server; null writes unasked.
 */
export async function openStorage(
  config: Config,
  log: Log,
  closers: Closers,
  fence: bigint | null = null,
): Promise<{ store: Store; backend: QueueBackend }> {
  const { databaseUrl, queueUrl } = config;
  const openEmbedded = async () => {
    const embedded = await openEmbeddedDatabase({
      directory: join(config.dataDir, "database"),
      searchPath: "bullmq",
      ...(config.databaseTemplate === null ? {} : { template: config.databaseTemplate }),
      log,
    });
    closers.add("embedded database", () => embedded.close());
    return embedded;
  };
  const openStore = async (database: DrizzleStoreOptions["database"]) => {
    const store = createCachedStore(await createDrizzleStore({ database, fence, log }));
    closers.add("store", () => store.close());
    return store;
  };
  if (queueUrl !== null) {
    const store = await openStore(databaseUrl ?? (await openEmbedded()));
    return { store, backend: backendOf(queueUrl) };
  }
  const embedded = await openEmbedded();
  const store = await openStore(databaseUrl ?? embedded);
  return { store, backend: { type: "postgres", pool: embedded.pool, endings: new JobEndings() } };
}
