import { createCachedStore } from "../../../coprocessor/store/cachedStore.ts";
import { createDrizzleStore } from "../../../coprocessor/store/drizzleStore.ts";
import { openEmbeddedDatabase } from "../../../coprocessor/store/embeddedDatabase.ts";
import { collectedLog } from "../collectedLog.ts";
import { TEMPLATE } from "./embedded.ts";
import { attestation, commit, requestRecord } from "./fixtures.ts";

/*
 * Hears and says things about many requests at once, as fast as it can, until it is killed. It says what it is about to sign,
 * and when that is stored. node --import tsx hearVictim.ts <database directory>
 */
const LANES = 16;
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
const log = collectedLog();
const database = await openEmbeddedDatabase({
  directory: process.argv[2] ?? "",
  searchPath: "bullmq",
  template: TEMPLATE,
  log,
});
const store = createCachedStore(await createDrizzleStore({ database, log }), {
  onLost: (_, error) => {
    throw error;
  },
});
await Promise.all(Array.from({ length: LANES }, (_, lane) => speak(lane)));

async function speak(lane: number): Promise<void> {
  for (let turn = 0; ; turn++) {
    const label = `${lane}-${turn}`;
    const { key, requestId } = requestRecord(label);
    say({ begun: label });
    for (const operatorId of [2, 3])
      await store.hear(key, [{ message: commit(requestId, operatorId), receivedAt: 1 }]);
    const statement = { key, slot: "attestation/0", message: attestation(requestId, 7), createdAt: 1 };
    await store.write({ key, statement });
    say({ said: label });
    // What is heard afterwards may be lost.
    await store.hear(key, [{ message: commit(requestId, 4), receivedAt: 2 }]);
  }
}
