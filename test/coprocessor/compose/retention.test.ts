import { afterAll, beforeAll, expect, test } from "vitest";
import { applyRetention, RETENTION_INTERVAL_MS } from "../../../coprocessor/compose/retention.ts";
import { collectedLog } from "../collectedLog.ts";
import type { StoreUnderTest } from "../store/conformance.ts";
import { openEmbeddedStore } from "../store/embedded.ts";
import { block, requestRecord } from "../store/fixtures.ts";

const DAY_S = 86_400;
const TEMPLATE = requestRecord("a");
/** More than one batch. */
const COUNT = 450;

let subject: StoreUnderTest;
beforeAll(async () => {
  subject = await openEmbeddedStore();
  await subject.store.transaction(async (store) => {
    for (let index = 0; index < COUNT; index++)
      await store.insertRequest({
        ...requestRecord(`${index}`),
        deadline: TEMPLATE.deadline,
        state: "settled",
      });
    await store.addBlock(block(20n));
  });
}, 120_000);
afterAll(() => subject.close());

test("kept: what was signed can be held against us until the unbonding time is over, however little is configured", async () => {
  const log = collectedLog();
  let nowS = TEMPLATE.deadline + 7 * DAY_S;
  const apply = () =>
    applyRetention({
      store: subject.store,
      log,
      retentionDays: () => 1,
      unbondingSeconds: 7 * DAY_S,
      now: () => nowS * 1_000,
    });
  expect(await apply()).toBe(nowS * 1_000 + RETENTION_INTERVAL_MS);
  expect(await subject.store.requests({})).toHaveLength(COUNT);
  nowS += 1;
  await apply();
  expect(await subject.store.requests({})).toEqual([]);
  expect(log.lines.map(({ fields }) => fields)).toEqual([{ removed: COUNT, before: TEMPLATE.deadline + 1 }]);
}, 60_000);
