import { packRequest, unpackRequest } from "@sibyl/sdk";
import { keccak256 } from "viem";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { ChainEvent } from "../../../coprocessor/chain/port.ts";
import type { OutboxEntry } from "../../../coprocessor/core/outbox.ts";
import type { ProposedOutput, RequestRecord } from "../../../coprocessor/core/request.ts";
import type { PipelineDeps } from "../../../coprocessor/pipeline/deps.ts";
import { finalizeWhenDue } from "../../../coprocessor/pipeline/finalize.ts";
import { onClosed } from "../../../coprocessor/pipeline/onClosed.ts";
import { onProposed } from "../../../coprocessor/pipeline/onProposed.ts";
import { collectedLog } from "../collectedLog.ts";
import type { StoreUnderTest } from "../store/conformance.ts";
import { openEmbeddedStore } from "../store/embedded.ts";
import { CHAIN_ID, hash, ORACLE, proposedOutput, requestRecord } from "../store/fixtures.ts";

const ME = 1;
const WINDOW = 600;
const DELAY_MS = 10_000;

let subject: StoreUnderTest;
let record: RequestRecord;
let proposed: ProposedOutput;
let chainNow: number;
let wakes: (number | undefined)[];
let pokes: number;
let deps: PipelineDeps;

beforeAll(async () => {
  subject = await openEmbeddedStore();
}, 60_000);

afterAll(() => subject.close());

beforeEach(async () => {
  await subject.clear();
  const template = requestRecord("a");
  const fields = unpackRequest({ ...template.request, terms: 0n, opening: 0n, funds: 0n });
  const request = packRequest({ ...fields, quorum: 2, challengeWindow: WINDOW, maxGasPrice: 7n });
  record = { ...template, request };
  await subject.store.insertRequest(record);
  const { proposal, output } = proposedOutput("a");
  proposed = { proposal: { ...proposal, outputHash: keccak256(output) }, output };
  chainNow = proposal.proposedAt * 1_000;
  wakes = [];
  pokes = 0;
  // What these stages act through, and nothing else.
  deps = {
    scope: { chainId: CHAIN_ID, oracle: ORACLE },
    me: ME,
    store: subject.store,
    waiting: new Map(),
    log: collectedLog(),
    now: () => chainNow,
    clock: { now: () => chainNow },
    wake: (_key: string, at?: number) => wakes.push(at),
    pokeOutbox: () => pokes++,
  } as unknown as PipelineDeps;
});

const position = { blockNumber: 12n, blockHash: hash("12"), transactionHash: hash("t"), logIndex: 0 };
const outputProposed = () =>
  onProposed(deps, { type: "OutputProposed", requestId: record.requestId, ...proposed, position });

async function stored(): Promise<RequestRecord> {
  const row = await subject.store.request(record.key);
  if (row === null) throw new Error("the row is gone");
  return row;
}

const planned = (): Promise<OutboxEntry[]> => subject.store.outboxFor(record.key);
const finalizing = async () => finalizeWhenDue(deps, await stored(), DELAY_MS);
const afterWindow = () => {
  chainNow = (proposed.proposal.proposedAt + WINDOW + 1) * 1_000;
};

describe("proposal", () => {
  test("proposed: the row keeps what finalizing takes, and says until when it may be challenged", async () => {
    expect(await outputProposed()).toEqual([record.key]);
    const row = await stored();
    expect(row).toMatchObject({ state: "proposed", proposed, proposedBlock: 12n, closedBlock: null });
    expect(row.reason).toContain(String(proposed.proposal.proposedAt + WINDOW));
  });

  test("proposed: nothing is sent before the window is over, and one transaction after it", async () => {
    await outputProposed();
    await finalizing();
    expect(await planned()).toEqual([]);
    expect(wakes).toEqual([(proposed.proposal.proposedAt + WINDOW + 1) * 1_000]);

    afterWindow();
    await finalizing();
    // As after a crash: every stage may run twice.
    await finalizing();
    const entries = await planned();
    expect(entries).toMatchObject([{ kind: "finalize", state: "planned", maxFeePerGasCap: 7n, to: ORACLE }]);
    expect(pokes).toBe(1);
  });

  test("proposed: a finalization that failed is planned again, later", async () => {
    await outputProposed();
    afterWindow();
    await finalizing();
    const [entry] = await planned();
    if (entry === undefined) throw new Error("nothing was planned");
    await subject.store.updateOutbox(
      { ...entry, state: "mined", succeeded: false, updatedAt: chainNow },
      "planned",
    );
    await finalizing();
    expect(await planned()).toHaveLength(1);
    chainNow += DELAY_MS;
    await finalizing();
    expect((await planned()).map(({ id }) => id)).toEqual([
      `finalize/${record.key}/0`,
      `finalize/${record.key}/1`,
    ]);
  });

  test("settled: the final answer closes the row", async () => {
    await outputProposed();
    const settled: Extract<ChainEvent, { type: "RequestSettled" }> = {
      type: "RequestSettled",
      requestId: record.requestId,
      signers: [1, 2],
      gasPaid: 1n,
      output: proposed.output,
      position: { ...position, blockNumber: 20n },
    };
    await onClosed(deps, settled);
    expect(await stored()).toMatchObject({ state: "settled", settledOutput: "0x0a0b", closedBlock: 20n });
  });

  test("proposed: a reorg that takes back only the end leaves the proposal", async () => {
    await outputProposed();
    await subject.store.transition(record.key, ["proposed"], "settled", { closedBlock: 20n });
    await subject.store.rewind(15n);
    expect(await stored()).toMatchObject({ state: "proposed", proposed, closedBlock: null });
    await subject.store.rewind(11n);
    expect(await stored()).toMatchObject({ state: "waiting", proposed: null, proposedBlock: null });
  });

  test("proposed: a challenge is said, and waits for the arbiter", async () => {
    await outputProposed();
    await onProposed(deps, { type: "ProposalSuspended", requestId: record.requestId, position });
    expect(await stored()).toMatchObject({ state: "challenged", challengedBlock: 12n });
    expect((await stored()).reason).toContain("arbiter");
  });
});
