import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import {
  attestationTypedData,
  encodeDemand,
  openingCourtAbi,
  operatorRegistryAbi,
  outputHash,
} from "@sibyl/sdk";
import { type Address, type Hex, toHex } from "viem";
import { privateKeyToAddress } from "viem/accounts";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AttestationMessage, CommitMessage, PeerMessage } from "../../coprocessor/core/messages.ts";
import { createLibp2pPeers } from "../../coprocessor/peers/libp2pPeers.ts";
import type { Peers } from "../../coprocessor/peers/port.ts";
import { asker, operatorAttester } from "../../scripts/network/devAccounts.ts";
import type { Operator } from "../../scripts/network/operator.ts";
import { LOCAL_STAKE_WEI } from "../../scripts/network/registerOperator.ts";
import { type Network, startNetwork } from "../../scripts/network/startNetwork.ts";
import { Teardown } from "../../scripts/network/teardown.ts";
import { until } from "../../scripts/network/until.ts";
import { collectedLog } from "../coprocessor/collectedLog.ts";
import { deployBoard, HAM, type Posted, post, type Settled, settled } from "./board.ts";
import { keepOnFailure } from "./keepOnFailure.ts";

/** Milliseconds, on a busy machine. */
const TIMEOUT_MS = 120_000;
const COMMAND = join(import.meta.dirname, "..", "..", "coprocessor", "bin", "sibyl.js");

const teardown = new Teardown();
let network: Network;
/** A peer without stake that hears what operators say, and repeats what it is told to. */
let eavesdropper: Peers;
const heard: PeerMessage[] = [];
let posted: Posted;
let settlement: Settled;

keepOnFailure(() => network);
beforeAll(async () => {
  network = await startNetwork({ teardown });
  eavesdropper = createLibp2pPeers({
    scope: scope(),
    seed: toHex(randomBytes(32)),
    listen: { host: "127.0.0.1", port: 0 },
    log: collectedLog(),
  });
  teardown.add("eavesdropper", () => eavesdropper.stop());
  await eavesdropper.start(async (message) => {
    heard.push(message);
    return "accept";
  });
  const statuses = await Promise.all(network.operators.map((operator) => ask(operator, "/status")));
  eavesdropper.connect(statuses.flatMap(({ addresses }) => addresses as string[]));
  await until("operators to talk to the eavesdropper", () => (eavesdropper.connected() === 3 ? true : null), {
    timeoutMs: TIMEOUT_MS,
  });
  const board = await deployBoard(network, { quorum: 3 });
  posted = await post(network, board, HAM);
  settlement = await settled(network, posted);
});
afterAll(async () => {
  await teardown.run();
  expect(teardown.failures).toEqual([]);
});

const scope = () => ({ chainId: network.client.chain.id, oracle: network.protocol.oracle });

async function ask(operator: Operator, path: string): Promise<Record<string, unknown>> {
  const response = await fetch(`${operator.process?.statusUrl}${path}`);
  return (await response.json()) as Record<string, unknown>;
}

/** The first message of a kind that an operator said about the request. */
function said<Kind extends PeerMessage["kind"]>(operatorId: number, kind: Kind) {
  return until(
    `${kind} of operator ${operatorId}`,
    () =>
      heard.find(
        (message): message is Extract<PeerMessage, { kind: Kind }> =>
          message.kind === kind &&
          message.operatorId === operatorId &&
          message.requestId === posted.requestId,
      ),
    { timeoutMs: TIMEOUT_MS },
  );
}

function operatorOf(operatorId: number): Operator {
  const operator = network.operators.find((one) => one.operatorId === operatorId);
  if (operator === undefined) throw new Error(`no operator ${operatorId}`);
  return operator;
}

/** Operators register in any order, so their ids do not say which account is whose. */
function keyOf(attester: Address) {
  const key = network.operators
    .map((_, place) => operatorAttester(place))
    .find(({ address }) => address === attester);
  if (key === undefined) throw new Error(`no key of ${attester}`);
  return key;
}

test("slashed: a second attestation in one view is reported by an honest node, who is paid", async () => {
  const { client, protocol } = network;
  const honest = operatorOf(1);
  const first: AttestationMessage = await said(3, "attestation");
  const lie = outputHash("0xdead");
  const fields = { requestHash: posted.requestId, outputHash: lie, view: first.view };
  const signature = await keyOf(operatorOf(3).attester).signTypedData(attestationTypedData(scope(), fields));
  await eavesdropper.publish({ ...first, outputHash: lie, signature });

  const registry = { abi: operatorRegistryAbi, address: protocol.operatorRegistry } as const;
  const slashed = await until(
    "operator 3 to be slashed",
    async () => {
      const [event] = await client.reader.getContractEvents({
        ...registry,
        eventName: "EquivocationSlashed",
        fromBlock: protocol.startBlock,
        strict: true,
      });
      return event;
    },
    { timeoutMs: TIMEOUT_MS },
  );
  const { operatorId, requestId, reporter, amount, reward } = slashed.args;
  expect({ operatorId, requestId, amount }).toEqual({
    operatorId: 3,
    requestId: posted.requestId,
    amount: LOCAL_STAKE_WEI,
  });
  expect(reward).toBe(LOCAL_STAKE_WEI / 10n);
  expect([operatorOf(1).attester, operatorOf(2).attester]).toContain(reporter);
  expect(await client.reader.readContract({ ...registry, functionName: "stakeOf", args: [3] })).toBe(0n);

  const to = privateKeyToAddress(toHex(randomBytes(32)));
  const withdrawal = await client
    .as(keyOf(reporter))
    .writeContract({ ...registry, functionName: "withdrawRewards", args: [to] });
  await client.mined(withdrawal, "withdrawRewards");
  expect(await client.reader.getBalance({ address: to })).toBe(reward);

  // Whoever it was, every honest node has the proof and knows what became of it.
  const kept = await until(
    "the evidence to be done",
    async () => {
      const rows = (await ask(honest, "/evidence?operator=3&kind=equivocation")) as unknown as {
        id: Hex;
        status: string;
        offence: string;
      }[];
      return rows.find(({ status }) => status === "done");
    },
    { timeoutMs: TIMEOUT_MS },
  );
  expect(kept.offence).toBe("two-outputs");
  const sibyl = async (...args: string[]) => {
    const command = [COMMAND, "evidence", ...args, "--url", honest.process?.statusUrl ?? ""];
    return (await promisify(execFile)(process.execPath, command)).stdout;
  };
  const [table, checked] = await Promise.all([sibyl("--operator", "3"), sibyl(kept.id, "--verify")]);
  expect(table).toMatch(new RegExp(`${kept.id} .* 3 .*two-outputs .*done .*slashed of ${amount} wei`));
  const verdict = JSON.parse(checked);
  expect(verdict).toMatchObject({
    holds: true,
    onChain: { contract: "OperatorRegistry", call: "slashEquivocation" },
  });
  const [signer] = new Set(verdict.signers.map((entry: { signer: string }) => entry.signer));
  expect(signer).toBe(operatorOf(3).attester);
});

test("opened: a node that was killed and lost its data opens its commitment in time, and earns the bond", async () => {
  const { client, protocol } = network;
  const operator = operatorOf(2);
  const commit: CommitMessage = await said(2, "commit");
  const attested: AttestationMessage = await said(2, "attestation");
  expect(attested.outputHash).toBe(outputHash(settlement.output));
  await operator.kill();
  rmSync(join(operator.folder, "data"), { recursive: true });

  const court = { abi: openingCourtAbi, address: protocol.openingCourt } as const;
  const { bondWei } = await client.reader.readContract({ ...court, functionName: "parameters" });
  const { data } = encodeDemand({
    oracle: protocol.oracle,
    request: posted.request,
    operatorId: 2,
    commitment: commit.commitment,
    commitSignature: commit.signature,
    attestedOutput: settlement.output,
    view: attested.view,
    attestationSignature: attested.signature,
  });
  const demand = await client.as(asker()).sendTransaction({ to: court.address, data, value: bondWei });
  const { blockNumber } = await client.mined(demand, "demand");
  await operator.start();
  const opened = await until(
    "operator 2 to open its commitment",
    async () => {
      const [event] = await client.reader.getContractEvents({
        ...court,
        eventName: "CommitmentOpened",
        fromBlock: blockNumber,
        strict: true,
      });
      return event;
    },
    { timeoutMs: TIMEOUT_MS },
  );
  const { demandId } = opened.args;
  const [, deadline] = await client.reader.readContract({
    ...court,
    functionName: "demandOf",
    args: [demandId],
  });
  const { timestamp } = await client.reader.getBlock({ blockNumber: opened.blockNumber });
  expect(timestamp).toBeLessThanOrEqual(deadline);
  expect(
    await client.reader.readContract({ ...court, functionName: "bondsOf", args: [operator.owner] }),
  ).toBe(bondWei);

  const openings = await until(
    "its page to say so",
    async () => {
      const rows = (await ask(operator, "/openings")) as unknown as { state: string; against: string }[];
      return rows.find(({ state }) => state === "opened");
    },
    { timeoutMs: TIMEOUT_MS },
  );
  expect(openings.against).toBe("us");
});
