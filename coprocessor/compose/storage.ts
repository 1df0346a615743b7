import { join } from "node:path";
import type { Address } from "viem";
import type { Config } from "../config.ts";
import type { Log } from "../observe/port.ts";
import type { QueueBackend } from "../queue/bullmqBackend.ts";
import { JobEndings } from "../queue/jobEndings.ts";
import { createCachedStore } from "../store/cachedStore.ts";
import { type AccountSchemas, createDrizzleStore } from "../store/drizzleStore.ts";
import { type EmbeddedDatabase, openEmbeddedDatabase } from "../store/embeddedDatabase.ts";
import type { RowsOf } from "../store/oracleSchema.ts";
import type { Store } from "../store/port.ts";
import type { Closers } from "./closers.ts";

/** The queue that a URL leads to. */
export const backendOf = (queueUrl: string): QueueBackend => ({
  type: queueUrl.startsWith("redis") ? "redis" : "postgres-server",
  url: queueUrl,
});

export interface Storage {
  /**
   * Opens the rows of an oracle; brings their tables up to date first.
   *
   * @param of Its chain and address, and the account that serves it: stores of one account share its nonces.
   * @param of.fence The token of our lease of the store's server; null writes unasked.
   */
  openStore(of: RowsOf & { attester: Address; fence: bigint | null }): Promise<Store>;
  backend: QueueBackend;
}

/**
 * Store and queue share the embedded database unless a server is configured for either.
 *
 * @param alone Whether one oracle's rows are all that the node keeps.
 */
export async function openStorage(
  config: Config,
  { alone, log }: { alone: boolean; log: Log },
  closers: Closers,
): Promise<Storage> {
  const { databaseUrl, queueUrl } = config;
  const directory = join(config.dataDir, "database");
  const template = config.databaseTemplate === null ? {} : { template: config.databaseTemplate };
  const openEmbedded = () =>
    closers.open(
      "embedded database",
      () => openEmbeddedDatabase({ directory, searchPath: "bullmq", ...template, log }),
      (embedded) => embedded.close(),
    );
  const embedded = queueUrl === null || databaseUrl === null ? await openEmbedded() : null;
  const database = databaseUrl ?? (embedded as EmbeddedDatabase);
  const accounts = new Map<string, AccountSchemas>();
  return {
    backend:
      queueUrl === null
        ? { type: "postgres", pool: (embedded as EmbeddedDatabase).pool, endings: new JobEndings() }
        : backendOf(queueUrl),
    async openStore({ chainId, oracle, attester, fence }) {
      const name = `${chainId}/${attester}`.toLowerCase();
      const account = accounts.get(name) ?? new Set();
      accounts.set(name, account);
      const placing = { of: { chainId, oracle }, alone };
      const open = async () =>
        createCachedStore(await createDrizzleStore({ database, placing, account, fence, log }), {
          onLost: (key, err) =>
            log.error({ key, err }, "what peers said could not be stored; they say it again"),
        });
      return closers.open("store", open, (store) => store.close());
    },
  };
}
