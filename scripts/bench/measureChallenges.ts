import {
  attestationTypedData,
  type Dispute,
  disputeId,
  encodeSettle,
  inferenceOracleAbi,
  juryArbiterAbi,
  type OpenedRequest,
  outputHash,
  type Proposal,
  sortAttestations,
} from "@sibyl/sdk";
import { type Hex, parseEther, parseEventLogs, type TransactionReceipt } from "viem";
import { author, operatorAttester } from "../network/devAccounts.ts";
import { activated, enrollOperator, registerOperator } from "../network/registerOperator.ts";
import { ask, price, word } from "./ask.ts";
import { type BenchNetwork, publishModel } from "./benchNetwork.ts";
import type { Repayment } from "./repayment.ts";

const VIEW = 0;
const WINDOW_SECONDS = 60;
const SIGNERS = [0, 1, 2];
const JURORS = [3, 4, 5, 6];
/** By then every operator is drawn. */
const ALL_DRAWN_SECONDS = 60;
const BOND_WEI = parseEther("0.1");

export interface ChallengeGas {
  gas: Record<"propose" | "finalize" | "challenge" | "resolve", number>;
  proposing: Repayment;
  finalizing: Repayment;
}

/**
 * Sends the steps of requests with a challenge window: one that is finalized, one that a jury overturns. A first one before
 * them brings every balance into use.
 *
 * @param network With the four operators that `measureGas` leaves; three more join as jurors.
 */
export async function measureChallenges(network: BenchNetwork): Promise<ChallengeGas> {
  const { client, protocol } = network;
  const modelId = await publishModel(client, protocol, "a judged model");
  const places = [...SIGNERS, ...JURORS];
  for (const place of places) {
    if (place > network.operators.length)
      await registerOperator(client, protocol.operatorRegistry, place, "");
    await enrollOperator(client, protocol.operatorRegistry, place, modelId);
  }
  await pass(network, ALL_DRAWN_SECONDS);
  const ids = places.map((place) => place + 1);
  await activated(client, protocol.operatorRegistry, modelId, ids);
  const consumer = await network.deployWindowedConsumer(modelId, WINDOW_SECONDS);
  const judged: BenchNetwork = { ...network, modelId };

  const propose = async (question: string) => {
    const { request } = await ask(judged, consumer, word(question));
    await pass(network, ALL_DRAWN_SECONDS);
    return proposeOutput(judged, request, word(`answer to ${question}`));
  };
  const finalize = async ({ request, proposal, output }: Proposed) => {
    await pass(network, WINDOW_SECONDS + 1);
    const hash = await client.as(operatorAttester(0)).writeContract({
      abi: inferenceOracleAbi,
      address: protocol.oracle,
      functionName: "finalize",
      args: [request.words, proposal, output],
      gas: 1_000_000n,
      ...price(),
    });
    return client.mined(hash, "finalize");
  };

  await finalize(await propose("a first question"));
  const proposed = await propose("a question");
  const finalized = await finalize(proposed);
  const challenged = await challengeOutput(judged, await propose("a doubted question"));
  const resolved = await resolveAgainst(judged, challenged);

  const proposing = {
    usedGas: Number(proposed.receipt.gasUsed),
    repaidGas: Number(proposed.proposal.gasOwed / proposed.receipt.effectiveGasPrice),
  };
  const [settled] = parseEventLogs({
    abi: inferenceOracleAbi,
    eventName: "RequestSettled",
    logs: finalized.logs,
  });
  if (settled === undefined) throw new Error("finalize settled nothing");
  const forFinalizing = settled.args.gasPaid - proposed.proposal.gasOwed;
  return {
    gas: {
      propose: proposing.usedGas,
      finalize: Number(finalized.gasUsed),
      challenge: Number(challenged.receipt.gasUsed),
      resolve: Number(resolved.gasUsed),
    },
    proposing,
    finalizing: {
      usedGas: Number(finalized.gasUsed),
      repaidGas: Number(forFinalizing / finalized.effectiveGasPrice),
    },
  };
}

interface Proposed {
  request: OpenedRequest;
  proposal: Proposal;
  output: Hex;
  receipt: TransactionReceipt;
}

/** Submitted by the first signer, so that its gas is owed. */
async function proposeOutput(network: BenchNetwork, request: OpenedRequest, output: Hex): Promise<Proposed> {
  const { client, protocol } = network;
  const attestations = await attest(network, SIGNERS, request.requestId, output);
  const data = encodeSettle(request.words, output, VIEW, attestations);
  const hash = await client
    .as(operatorAttester(0))
    .sendTransaction({ to: protocol.oracle, data, gas: 1_000_000n, ...price() });
  const receipt = await client.mined(hash, "settle with a window");
  const [proposed] = parseEventLogs({
    abi: inferenceOracleAbi,
    eventName: "OutputProposed",
    logs: receipt.logs,
  });
  if (proposed === undefined) throw new Error(`transaction ${hash} proposed nothing`);
  return { request, proposal: proposed.args.proposal, output, receipt };
}

interface Challenged extends Proposed {
  dispute: Dispute;
}

async function challengeOutput(network: BenchNetwork, proposed: Proposed): Promise<Challenged> {
  const { client, protocol } = network;
  const hash = await client.as(author()).writeContract({
    abi: juryArbiterAbi,
    address: protocol.arbiter,
    functionName: "challenge",
    args: [proposed.request.words, proposed.proposal],
    value: BOND_WEI,
  });
  const receipt = await client.mined(hash, "challenge");
  const [challenged] = parseEventLogs({
    abi: juryArbiterAbi,
    eventName: "ProposalChallenged",
    logs: receipt.logs,
  });
  if (challenged === undefined) throw new Error(`transaction ${hash} challenged nothing`);
  return { ...proposed, receipt, dispute: challenged.args.dispute };
}

/** The jury comes to another output: the dearer verdict, because every signer is punished. */
async function resolveAgainst(network: BenchNetwork, { request, dispute }: Challenged) {
  const { client, protocol } = network;
  await pass(network, ALL_DRAWN_SECONDS);
  const output = word("the jury's answer");
  const id = disputeId(protocol.arbiter, request.requestId, dispute);
  const hash = await client.as(operatorAttester(JURORS[0] as number)).writeContract({
    abi: juryArbiterAbi,
    address: protocol.arbiter,
    functionName: "resolve",
    args: [request.words, dispute, output, VIEW, sortAttestations(await attest(network, JURORS, id, output))],
    gas: 3_000_000n,
    ...price(),
  });
  return client.mined(hash, "resolve");
}

function attest(
  { client, protocol }: BenchNetwork,
  places: readonly number[],
  requestHash: Hex,
  output: Hex,
) {
  const scope = { chainId: client.chain.id, oracle: protocol.oracle };
  const fields = { requestHash, outputHash: outputHash(output), view: VIEW };
  return Promise.all(
    places.map(async (place) => ({
      operatorId: place + 1,
      signature: await operatorAttester(place).signTypedData(attestationTypedData(scope, fields)),
    })),
  );
}

async function pass({ client }: BenchNetwork, seconds: number): Promise<void> {
  await client.reader.request({ method: "evm_increaseTime" as never, params: [seconds] as never });
  await client.reader.request({ method: "evm_mine" as never, params: [] as never });
}
