import {
  attestationTypedData,
  type Dispute,
  encodeChallenge,
  encodeSettle,
  inferenceOracleAbi,
  juryArbiterAbi,
  operatorRegistryAbi,
  outputHash,
  type Proposal,
  type RequestWords,
  requestId,
} from "@sibyl/sdk";
import { type Account, type Hex, parseEventLogs, parseGwei } from "viem";
import type { ChainClient } from "./chainClient.ts";
import { BOND_WEI, type Protocol } from "./deployProtocol.ts";
import { operatorAttester } from "./devAccounts.ts";

/** What challenges are played on. */
export interface ChallengeStage {
  client: ChainClient;
  protocol: Protocol;
}

export interface Proposed {
  request: RequestWords;
  requestId: Hex;
  proposal: Proposal;
  output: Hex;
}

export interface Challenged extends Proposed {
  disputeId: Hex;
  dispute: Dispute;
}

const GAS = 2_000_000n;

/**
 * Settles a request with whatever output a quorum of keys signs, as colluders would: by no agreement, right or wrong.
 *
 * Its tip puts it before the operators' own settlements in a block.
 *
 * @param places Of the development accounts whose attesters sign; exactly the request's quorum.
 * @throws Error when the request has no challenge window, so that nothing is proposed.
 */
export async function proposeOutput(
  { client, protocol }: ChallengeStage,
  places: readonly number[],
  request: RequestWords,
  output: Hex,
  mine: () => Promise<void> = async () => {},
): Promise<Proposed> {
  const id = requestId(request);
  const scope = { chainId: client.chain.id, oracle: protocol.oracle };
  const attestations = await Promise.all(
    places.map(async (place) => {
      const attester = operatorAttester(place);
      const fields = { requestHash: id, outputHash: outputHash(output), view: 0 };
      const signature = await attester.signTypedData(attestationTypedData(scope, fields));
      return { operatorId: await operatorOf({ client, protocol }, place), signature };
    }),
  );
  const submitter = operatorAttester(places[0] as number);
  const hash = await client.as(submitter).sendTransaction({
    to: protocol.oracle,
    data: encodeSettle(request, output, 0, attestations),
    gas: GAS,
    maxFeePerGas: parseGwei("100"),
    maxPriorityFeePerGas: parseGwei("50"),
  });
  await mine();
  const receipt = await client.mined(hash, "a settlement by colluders");
  const [proposed] = parseEventLogs({
    abi: inferenceOracleAbi,
    eventName: "OutputProposed",
    logs: receipt.logs,
  });
  if (proposed === undefined) throw new Error(`transaction ${hash} proposed nothing`);
  return { request, requestId: id, proposal: proposed.args.proposal, output };
}

/** Puts up the bond against a proposal. */
export async function challengeProposal(
  { client, protocol }: ChallengeStage,
  challenger: Account,
  proposed: Proposed,
): Promise<Challenged> {
  const hash = await client.as(challenger).sendTransaction({
    to: protocol.arbiter,
    data: encodeChallenge(proposed.request, proposed.proposal),
    value: BOND_WEI,
    gas: GAS,
  });
  const receipt = await client.mined(hash, "a challenge");
  const [challenged] = parseEventLogs({
    abi: juryArbiterAbi,
    eventName: "ProposalChallenged",
    logs: receipt.logs,
  });
  if (challenged === undefined) throw new Error(`transaction ${hash} challenged nothing`);
  return { ...proposed, disputeId: challenged.args.disputeId, dispute: challenged.args.dispute };
}

/**
 * Holds the blocks of an anvil that mines in intervals while `work` runs, so that it decides what is in the next ones.
 *
 * @param blockTime Seconds between blocks afterwards.
 */
export async function withHeldBlocks<T>(
  { client }: ChallengeStage,
  blockTime: number,
  work: (mine: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const call = (method: string, params: unknown[]) =>
    client.reader.request({ method: method as never, params: params as never });
  await call("evm_setIntervalMining", [0]);
  try {
    return await work(async () => void (await call("evm_mine", [])));
  } finally {
    await call("evm_setIntervalMining", [blockTime]);
  }
}

function operatorOf({ client, protocol }: ChallengeStage, place: number): Promise<number> {
  return client.reader.readContract({
    abi: operatorRegistryAbi,
    address: protocol.operatorRegistry,
    functionName: "operatorOf",
    args: [operatorAttester(place).address],
  });
}
