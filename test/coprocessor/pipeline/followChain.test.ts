import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Chain, ChainStep } from "../../../coprocessor/chain/port.ts";
import { type RequestKey, requestKey } from "../../../coprocessor/core/request.ts";
import { around } from "../../../coprocessor/observe/around.ts";
import type { PipelineDeps } from "../../../coprocessor/pipeline/deps.ts";
import { followChain } from "../../../coprocessor/pipeline/followChain.ts";
import type { Store } from "../../../coprocessor/store/port.ts";
import { collectedLog } from "../collectedLog.ts";
import { until } from "../queue/fixtures.ts";
import type { StoreUnderTest } from "../store/conformance.ts";
import { openEmbeddedStore } from "../store/embedded.ts";
import { block, CHAIN_ID, ORACLE, requestRecord } from "../store/fixtures.ts";
import { opening, seat, US } from "./chainEvents.ts";

const KEY = requestKey(CHAIN_ID, ORACLE, requestRecord("a").requestId);

let subject: StoreUnderTest;

beforeAll(async () => {
  subject = await openEmbeddedStore();
}, 60_000);
afterAll(() => subject.close());
beforeEach(() => subject.clear());

/** The block that we start from, in which we take our seat, and one that opens a request. */
const STEPS: readonly ChainStep[] = [
  { type: "blocks", head: block(40n), events: [seat(40n, 100n)] },
  { type: "blocks", head: block(41n), events: [opening("a", 41n, block(41n).timestamp + 100)] },
];

const chain = {
  head: async () => block(40n),
  async *follow(_known: unknown, signal: AbortSignal) {
    yield* STEPS;
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  },
} as unknown as Chain;

test.each(["the commit is not acknowledged", "what it set in motion cannot be read"])(
  "a step that is tried again, because %s, sets in motion what the first try changed",
  async (why) => {
    let failures = 0;
    const fail = () => {
      failures += 1;
      throw new Error("the connection to the database was lost");
    };
    const woken: RequestKey[] = [];
    const hasOpened = async () => (await subject.store.request(KEY)) !== null;
    const store: Store = around(subject.store, {
      async transaction(work) {
        const result = await subject.store.transaction(work);
        if (why.startsWith("the commit") && failures === 0 && (await hasOpened())) fail();
        return result;
      },
      async request(key) {
        if (why.startsWith("what it") && failures === 0) fail();
        return subject.store.request(key);
      },
    });
    const log = collectedLog();
    const deps = {
      scope: { chainId: CHAIN_ID, oracle: ORACLE },
      me: US,
      store,
      queue: { remove: async () => {} },
      pending: { take: () => [] },
      waiting: new Map(),
      watch: null,
      log,
      now: () => 1_700_000_000_000,
      wake: (key: RequestKey) => woken.push(key),
    } as unknown as PipelineDeps;
    const following = followChain(deps, chain, { resume: async () => {}, onHead() {}, onOperators() {} });
    await until("the request to be woken", () => (woken.length > 0 ? true : null));
    await following.stop();
    expect(failures).toBe(1);
    expect(woken).toEqual([KEY]);
    expect(await subject.store.request(KEY)).toMatchObject({ state: "waiting" });
    expect(log.lines.filter(({ level }) => level === "error")).toHaveLength(1);
  },
);
