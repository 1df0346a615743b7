import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { RequestExplanation } from "@sibyl/coprocessor";
import {
  decodeClassification,
  encodeClassification,
  inferenceOracleAbi,
  juryArbiterAbi,
  operatorRegistryAbi,
  unpackSigners,
} from "@sibyl/sdk";
import { type Address, type Hex, parseEventLogs, zeroAddress } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { requestKey } from "../../coprocessor/core/request.ts";
import { createDrizzleStore } from "../../coprocessor/store/drizzleStore.ts";
import { openEmbeddedDatabase } from "../../coprocessor/store/embeddedDatabase.ts";
import {
  type Challenged,
  challengeProposal,
  type Proposed,
  proposeOutput,
  withHeldBlocks,
} from "../../scripts/network/challenges.ts";
import { BOND_WEI } from "../../scripts/network/deployProtocol.ts";
import { asker, author, operatorOwner, privateKeyOf } from "../../scripts/network/devAccounts.ts";
import { messageBoardAbi } from "../../scripts/network/messageBoardAbi.ts";
import type { Operator } from "../../scripts/network/operator.ts";
import { type OperatorProcess, startOperatorProcess } from "../../scripts/network/operatorProcess.ts";
import { LOCAL_STAKE_WEI } from "../../scripts/network/registerOperator.ts";
import { connected, type Network, startNetwork } from "../../scripts/network/startNetwork.ts";
import { Teardown } from "../../scripts/network/teardown.ts";
import { until } from "../../scripts/network/until.ts";
import { collectedLog } from "../coprocessor/collectedLog.ts";
import { deployBoard, type Posted, PUBLISHED, post, postStatus } from "./board.ts";
import { keepOnFailure } from "./keepOnFailure.ts";

const BLOCK_TIME = 1;
const WINDOW_SECONDS = 90;
const VERDICT_TIMEOUT_MS = 60_000;

const teardown = new Teardown();
const disputeIds: Hex[] = [];
let network: Network;
let board: Address;
/** Three nodes are just the jury's quorum once the two signers are left out: committee 2, jury of 5, 3 must agree. */
let jurors: number[];
let signers: number[];
/** A text and the canonical bytes that the model gives for it. */
let golden: { value: string; output: Hex };

keepOnFailure(() => network);
beforeAll(async () => {
  network = await startNetwork({
    teardown,
    operators: 3,
    silent: 2,
    blockTime: BLOCK_TIME,
    // No node of its own accord: who challenges is decided by the test, too.
    env: { WATCH_SHARE: "0" },
    // Everybody is drawn at once, so that who answers is decided by the test.
    parameters: { roundSeconds: 5, overdrawBps: 30_000 },
  });
  const ids = (operators: readonly { operatorId: number }[]) =>
    operators.map(({ operatorId }) => operatorId).sort((a, b) => a - b);
  jurors = ids(network.operators);
  signers = ids(network.silent);
  board = await deployBoard(network, { committeeSize: 2, quorum: 2, challengeWindow: WINDOW_SECONDS });
  const goldens = JSON.parse(readFileSync(join(network.model.folder, "goldens.json"), "utf8")) as {
    cases: { name: string; value: string; output: Hex }[];
  };
  const found = goldens.cases.find(({ name }) => name === "a question");
  if (found === undefined) throw new Error("no such golden");
  golden = found;
});
afterAll(async () => {
  await teardown.run();
  expect(teardown.failures).toEqual([]);
});

/** The two operators that the test speaks for settle a post before anybody else can. */
function posted(outputFor: (honest: Hex) => Hex): Promise<{ asked: Posted; proposed: Proposed }> {
  return withHeldBlocks(network, BLOCK_TIME, async (mine) => {
    const asking = post(network, board, golden.value);
    const asked = await mineUntil(asking, mine);
    const places = network.silent.map(({ place }) => place);
    const output = outputFor(golden.output);
    return { asked, proposed: await proposeOutput(network, places, asked.request, output, mine) };
  });
}

/** Mines now and then until a transaction that was just sent is in a block. */
async function mineUntil<T>(work: Promise<T>, mine: () => Promise<void>): Promise<T> {
  let done = false;
  const finished = work.finally(() => {
    done = true;
  });
  await until(
    "a held transaction to be mined",
    async () => {
      await mine();
      return done ? true : null;
    },
    { timeoutMs: 20_000 },
  );
  return finished;
}

/** Within the model's tolerance, and not the bytes that the nodes compute. */
function lastDigits(honest: Hex): Hex {
  const { label, confidence } = decodeClassification(honest);
  return encodeClassification({ label, confidence: confidence - 10n ** 12n });
}

function wrongLabel(honest: Hex): Hex {
  const { label, confidence } = decodeClassification(honest);
  return encodeClassification({ label: 1 - label, confidence });
}

async function verdict(eventName: "ProposalUpheld" | "ProposalOverturned", { disputeId }: Challenged) {
  disputeIds.push(disputeId);
  const event = await until(
    `${eventName} of ${disputeId}`,
    async () => {
      const [found] = await network.client.reader.getContractEvents({
        abi: juryArbiterAbi,
        address: network.protocol.arbiter,
        eventName,
        args: { disputeId },
        fromBlock: network.protocol.startBlock,
        strict: true,
      });
      return found;
    },
    { timeoutMs: VERDICT_TIMEOUT_MS },
  );
  const receipt = await network.client.reader.getTransactionReceipt({ hash: event.transactionHash });
  return { agreed: unpackSigners(event.args.jurors), receipt };
}

const creditOf = (account: Address): Promise<bigint> =>
  network.client.reader.readContract({
    abi: inferenceOracleAbi,
    address: network.protocol.oracle,
    functionName: "creditOf",
    args: [account, zeroAddress],
  });

const registry = (functionName: "stakeOf" | "jailedUntil", operatorId: number): Promise<bigint> =>
  network.client.reader.readContract({
    abi: operatorRegistryAbi,
    address: network.protocol.operatorRegistry,
    functionName,
    args: [operatorId],
  } as never) as Promise<bigint>;

async function explained(
  operator: Operator,
  id: Hex,
  is: (page: RequestExplanation) => boolean,
): Promise<RequestExplanation> {
  let last: RequestExplanation | null = null;
  return until(
    `${operator.name}'s word about ${id}`,
    async () => {
      last = await operator.explain(id);
      if (last !== null && is(last)) return last;
      throw new Error(JSON.stringify(last));
    },
    { timeoutMs: VERDICT_TIMEOUT_MS },
  );
}

test("upheld: an honest proposal survives a challenge with its own bytes, and the challenger loses its bond", async () => {
  const { asked, proposed } = await posted(lastDigits);
  const before = await creditOf(asker().address);
  const challenged = await challengeProposal(network, asker(), proposed);
  const { agreed, receipt } = await verdict("ProposalUpheld", challenged);

  expect(agreed).toEqual(jurors);
  const [settled] = parseEventLogs({
    abi: inferenceOracleAbi,
    eventName: "RequestSettled",
    logs: receipt.logs,
  });
  expect(settled?.args).toMatchObject({ requestId: proposed.requestId, output: lastDigits(golden.output) });
  expect(unpackSigners(settled?.args.signers ?? 0n)).toEqual(signers);
  expect(await postStatus(network, board, asked)).toBe(PUBLISHED);
  expect(await creditOf(asker().address)).toBe(before);
  for (const operatorId of signers) expect(await registry("stakeOf", operatorId)).toBe(LOCAL_STAKE_WEI);

  const [first] = network.operators;
  if (first === undefined) throw new Error("operators expected");
  const page = await explained(first, challenged.disputeId, ({ state }) => state === "settled");
  expect(page.dispute).toMatchObject({ verdict: "upheld", requestId: proposed.requestId, quorum: 3 });
  expect((await explained(first, proposed.requestId, ({ state }) => state === "settled")).dispute).toEqual(
    page.dispute,
  );
});

test("upheld: a juror killed in the middle of a dispute goes on where it was, and the jury agrees", async () => {
  const [first, second, third] = network.operators as [Operator, Operator, Operator];
  await second.stop();
  const { proposed } = await posted(lastDigits);
  const challenged = await challengeProposal(network, asker(), proposed);
  const { disputeId } = challenged;
  // Two of three have committed; the third one's node is away, so nobody reveals.
  const waiting = await explained(
    first,
    proposed.requestId,
    ({ reason }) => reason?.endsWith("2 of 3") ?? false,
  );
  expect(waiting).toMatchObject({ state: "challenged", reason: "challenged: jury commitments 2 of 3" });
  const committed = await explained(third, disputeId, ({ state }) => state === "committed");
  expect(committed.seats.find(({ operatorId }) => operatorId === third.operatorId)?.committed).toBe(true);

  await third.kill();
  await third.start();
  const again = await explained(third, disputeId, () => true);
  expect(again.output).toBe(committed.output);
  await second.start();
  await connected(network.operators);
  expect((await verdict("ProposalUpheld", challenged)).agreed).toEqual(jurors);
});

test("overturned: a watcher challenges a colluding quorum's wrong output; the callback sees only the right one, and the watcher is paid", async () => {
  const { client, protocol } = network;
  const account = newAccount();
  const funded = await client.as(author()).sendTransaction({ to: account.address, value: 2n * BOND_WEI });
  await client.mined(funded, "funding the watcher");
  const folder = join(network.folder, "watcher");
  const watcher = await startOperatorProcess({
    name: "the watcher",
    command: "watch",
    folder,
    env: watcherEnv(account.key, folder),
    teardown,
  });

  // It has seen an honest proposal, and left it alone, before the wrong one.
  const honest = await posted(lastDigits);
  expect((await watched(watcher, honest.proposed.requestId, "agrees")).dispute).toBeNull();

  const before = await creditOf(account.address);
  const { asked, proposed } = await posted(wrongLabel);
  const challenged = await challengeOf(proposed);
  expect(challenged.dispute.challenger).toBe(account.address);
  const { agreed, receipt } = await verdict("ProposalOverturned", challenged);

  expect(agreed).toEqual(jurors);
  const [settled] = parseEventLogs({
    abi: inferenceOracleAbi,
    eventName: "RequestSettled",
    logs: receipt.logs,
  });
  expect(unpackSigners(settled?.args.signers ?? 0n)).toEqual(jurors);
  expect(settled?.args.output).toBe(golden.output);
  const judged = await network.client.reader.getContractEvents({
    abi: messageBoardAbi,
    address: board,
    eventName: "Judged",
    args: { requestId: proposed.requestId },
    fromBlock: asked.receipt.blockNumber,
  });
  expect(judged.map(({ args }) => args.published)).toEqual([true]);

  const punished = LOCAL_STAKE_WEI / 5n;
  for (const operatorId of signers) {
    expect(await registry("stakeOf", operatorId)).toBe(LOCAL_STAKE_WEI - punished);
    expect(await registry("jailedUntil", operatorId)).toBeGreaterThan(0n);
  }
  expect((await creditOf(account.address)) - before).toBe(BOND_WEI);
  const reward = (punished / 10n) * BigInt(signers.length);
  // It keeps why it challenged, and says what it may withdraw.
  const page = await watched(watcher, proposed.requestId, "disagrees");
  expect(page.watch).toMatchObject({ output: golden.output, proposedOutput: proposed.output });
  const status = (await (await fetch(`${watcher.statusUrl}/status`)).json()) as { withdrawable: object };
  expect(status.withdrawable).toEqual({
    creditWei: BOND_WEI.toString(),
    rewardsWei: reward.toString(),
    earningsWei: "0",
  });

  const to = newAccount().address;
  const withdraw = async (env: Record<string, string>): Promise<string> => {
    const command = join(import.meta.dirname, "..", "..", "coprocessor", "bin", "sibyl.js");
    const { stdout } = await promisify(execFile)(process.execPath, [command, "withdraw", "--to", to], {
      env: { PATH: process.env.PATH, ...watcherEnv("0x", folder), ATTESTER_KEY: "", ...env },
    });
    return stdout;
  };
  const stdout = await withdraw({ ATTESTER_KEY: account.key });
  expect(stdout).toContain("credit of");
  expect(stdout).toContain("rewards of");
  expect(await client.reader.getBalance({ address: to })).toBe(BOND_WEI + reward);
  expect(protocol.arbiter).toBe(page.dispute?.arbiter);

  // The jurors were paid the fee, for their owners.
  const owner = privateKeyOf(operatorOwner(0));
  expect(await withdraw({ OWNER_KEY: owner })).toMatch(/^earnings of operator [1-5] of /);
  expect(await client.reader.getBalance({ address: to })).toBeGreaterThan(BOND_WEI + reward);
  expect(await withdraw({ OWNER_KEY: owner })).toBe("nothing to withdraw\n");
});

test("said once: no juror signed two different things about a dispute, the killed one included", async () => {
  const { client, protocol, operators } = network;
  const [first] = operators;
  if (first === undefined) throw new Error("operators expected");
  await first.stop();
  const log = collectedLog();
  const directory = join(first.folder, "data", "database");
  const database = await openEmbeddedDatabase({ directory, searchPath: "bullmq", log });
  const store = await createDrizzleStore({ database, log });
  try {
    expect(disputeIds).toHaveLength(3);
    for (const disputeId of disputeIds) {
      // Of what contradicts an earlier message the store keeps one, too.
      const heard = await store.peerMessages(requestKey(client.chain.id, protocol.oracle, disputeId));
      const slots = heard.map(({ message }) => {
        const view = "view" in message ? message.view : 0;
        return `${message.kind} ${view} of ${message.operatorId}`;
      });
      expect(new Set(slots).size).toBe(slots.length);
      for (const id of jurors) expect(slots).toContain(`attestation 0 of ${id}`);
    }
  } finally {
    await store.close();
    await database.close();
  }
});

function newAccount(): { key: Hex; address: Address } {
  const key = generatePrivateKey();
  return { key, address: privateKeyToAccount(key).address };
}

const watcherEnv = (key: Hex, folder: string): Record<string, string> => ({
  RPC_URL: network.client.rpcUrl,
  ORACLE_ADDRESS: network.protocol.oracle,
  START_BLOCK: network.protocol.startBlock.toString(),
  ATTESTER_KEY: key,
  DATA_DIR: join(folder, "data"),
  DATABASE_TEMPLATE: network.databaseTemplate,
  MODEL_FOLDERS: join(folder, "models"),
  MODEL_PRIVATE_HOSTS: "allow",
  STATUS_LISTEN: "127.0.0.1:0",
  INFERENCE_THREADS: "1",
});

/** What a watcher says about a request once its second look has come to this. */
function watched(watcher: OperatorProcess, requestId: Hex, state: string): Promise<RequestExplanation> {
  return until(
    `the watcher's word about ${requestId}`,
    async () => {
      const response = await fetch(`${watcher.statusUrl}/requests/${requestId}`);
      const page = (await response.json()) as RequestExplanation;
      if (response.ok && page.watch?.state === state) return page;
      throw new Error(JSON.stringify(page));
    },
    { timeoutMs: VERDICT_TIMEOUT_MS },
  );
}

/** The challenge that somebody makes of a proposal. */
async function challengeOf(proposed: Proposed): Promise<Challenged> {
  const event = await until(
    `a challenge of ${proposed.requestId}`,
    async () => {
      const [found] = await network.client.reader.getContractEvents({
        abi: juryArbiterAbi,
        address: network.protocol.arbiter,
        eventName: "ProposalChallenged",
        args: { requestId: proposed.requestId },
        fromBlock: network.protocol.startBlock,
        strict: true,
      });
      return found;
    },
    { timeoutMs: VERDICT_TIMEOUT_MS },
  );
  return { ...proposed, disputeId: event.args.disputeId, dispute: event.args.dispute };
}
