import { afterEach, expect, test } from "vitest";
import { createDrizzleStore } from "../../../coprocessor/store/drizzleStore.ts";
import { openEmbeddedDatabase } from "../../../coprocessor/store/embeddedDatabase.ts";
import { collectedLog } from "../collectedLog.ts";
import { until } from "../queue/fixtures.ts";
import { temporaryFolder } from "./embedded.ts";
import { requestRecord } from "./fixtures.ts";
import { startVictim, type Victim } from "./victim.ts";

interface Line {
  begun?: string;
  said?: string;
}

const SCRIPT = new URL("hearVictim.ts", import.meta.url).pathname;
const SAID = 300;

const folder = temporaryFolder();
let victim: Victim<Line> | null = null;
afterEach(async () => {
  await victim?.kill();
  folder.remove();
});

test("kill -9: what was said is stored, and with every word all that was heard before it", async () => {
  const busy = startVictim<Line>(SCRIPT, [folder.options.directory]);
  victim = busy;
  const labels = (what: keyof Line) => busy.said.flatMap((line) => line[what] ?? []);
  await until("what it said", () => (labels("said").length >= SAID ? true : null), 60_000);
  await busy.kill();

  const log = collectedLog();
  const database = await openEmbeddedDatabase({ ...folder.options, searchPath: "bullmq", log });
  const store = await createDrizzleStore({ database, log });
  const said = new Set(labels("said"));
  let spoken = 0;
  for (const label of labels("begun")) {
    const { key } = requestRecord(label);
    const statements = await store.statements(key);
    if (said.has(label)) expect(statements).toHaveLength(1);
    if (statements.length === 0) continue;
    spoken += 1;
    const heard = (await store.peerMessages(key)).map(({ message }) => message.operatorId);
    expect(heard.slice(0, 3)).toEqual([2, 3, 7]);
  }
  expect(spoken).toBeGreaterThanOrEqual(SAID);
  await store.close();
  await database.close();
}, 120_000);
