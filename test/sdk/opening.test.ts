import {
  attestationTypedData,
  commitmentHash,
  commitTypedData,
  encodeDemand,
  encodeInput,
  encodeOpen,
  encodeOutput,
  inferenceActions,
  type OpenedRequest,
  openedRequests,
  openingCourtAbi,
  openingDemandId,
  operatorRegistryAbi,
  outputHash,
} from "@sibyl/sdk";
import { type Hex, keccak256, parseEventLogs, stringToHex } from "viem";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { asker, author, operatorAttester, operatorOwner } from "../../scripts/network/devAccounts.ts";
import { type OracleNetwork, startOracleNetwork } from "./oracleNetwork.ts";

/** Its profile is `exact`, its outputs are scalars. */
const MODEL_ID = keccak256(stringToHex("a model whose openings are demanded"));
const SALT = keccak256(stringToHex("a salt"));
const OUTPUT = encodeOutput("scalar", 7n);

let network: OracleNetwork;

// The compiler may have to run first.
beforeAll(async () => {
  network = await startOracleNetwork(MODEL_ID);
}, 240_000);
afterAll(() => network?.stop());

async function ask(): Promise<OpenedRequest> {
  const { timestamp } = await network.client.reader.getBlock();
  const { transactionHash } = await network.client
    .as(author())
    .extend(inferenceActions(network))
    .requestInference({
      modelId: MODEL_ID,
      input: encodeInput("text", "How many?"),
      policy: { committeeSize: 3, quorum: 2, challengeWindow: 0 },
      callbackGasLimit: 100_000,
      maxGasPrice: 10n ** 10n,
      deadline: Number(timestamp) + 600,
    });
  const { logs } = await network.client.mined(transactionHash, "request");
  const [opened] = openedRequests(logs, network.oracle);
  if (!opened) throw new Error("no RequestOpened in the receipt");
  return opened;
}

/** What the first operator says: it commits to one output and attests another. */
async function evidence(opened: OpenedRequest, committed: Hex, attested: Hex) {
  const scope = { chainId: network.client.chain.id, oracle: network.oracle };
  const requestHash = opened.requestId;
  const key = operatorAttester(0);
  const commitment = commitmentHash({
    requestHash,
    operatorId: 1,
    outputHash: outputHash(committed),
    salt: SALT,
  });
  const attestation = { requestHash, outputHash: outputHash(attested), view: 0 };
  return {
    oracle: network.oracle,
    request: opened.words,
    operatorId: 1,
    commitment,
    commitSignature: await key.signTypedData(commitTypedData(scope, { requestHash, commitment })),
    attestedOutput: attested,
    view: 0,
    attestationSignature: await key.signTypedData(attestationTypedData(scope, attestation)),
  };
}

const court = () => ({ abi: openingCourtAbi, address: network.openingCourt }) as const;

async function demand(committed: Hex, attested: Hex) {
  const { data, demand } = encodeDemand(await evidence(await ask(), committed, attested));
  const { bondWei } = await network.client.reader.readContract({ ...court(), functionName: "parameters" });
  const hash = await network.client
    .as(asker())
    .sendTransaction({ to: network.openingCourt, data, value: bondWei });
  const { logs } = await network.client.mined(hash, "demand");
  const [demanded] = parseEventLogs({ abi: openingCourtAbi, logs, eventName: "OpeningDemanded" });
  expect(demanded?.args.demandId).toBe(openingDemandId(demand));
  expect(demanded?.args.demand).toEqual(demand);
  return { demand, bondWei };
}

describe("opening", () => {
  test("opened: the operator shows what it committed to and is paid the bond", async () => {
    const { demand: demanded, bondWei } = await demand(OUTPUT, OUTPUT);
    const data = encodeOpen(demanded, OUTPUT, SALT, OUTPUT);
    await network.client.mined(
      await network.client.as(author()).sendTransaction({ to: network.openingCourt, data }),
      "open",
    );
    const bonds = await network.client.reader.readContract({
      ...court(),
      functionName: "bondsOf",
      args: [operatorOwner(0).address],
    });
    expect(bonds).toBe(bondWei);
  });

  test("missed: an operator that attested what it never computed loses stake and its seats", async () => {
    const { demand: demanded } = await demand(encodeOutput("scalar", 8n), OUTPUT);
    const computed = encodeOutput("scalar", 8n);
    const args = [demanded, outputHash(computed), SALT, computed, OUTPUT] as const;
    await expect(
      network.client.reader.simulateContract({ ...court(), functionName: "open", args }),
    ).rejects.toThrow("AnswersDisagree");
    const { openingSeconds } = await network.client.reader.readContract({
      ...court(),
      functionName: "parameters",
    });
    await network.test.increaseTime({ seconds: openingSeconds + 1 });
    await network.test.mine({ blocks: 1 });
    const registry = { abi: operatorRegistryAbi, address: network.operatorRegistry, args: [1] } as const;
    const before = await network.client.reader.readContract({ ...registry, functionName: "stakeOf" });
    await network.client.mined(
      await network.client.as(asker()).writeContract({ ...court(), functionName: "close", args: [demanded] }),
      "close",
    );
    const after = await network.client.reader.readContract({ ...registry, functionName: "stakeOf" });
    expect(after).toBe((before * 9_500n) / 10_000n);
    expect(await network.client.reader.readContract({ ...registry, functionName: "modelsOf" })).toEqual([]);
  });
});
