import { disputeId, inferenceOracleAbi, juryArbiterAbi, packRequest, requestId } from "@sibyl/sdk";
import {
  type Address,
  concatHex,
  createTestClient,
  encodeAbiParameters,
  encodeEventTopics,
  getAbiItem,
  getContractAddress,
  type Hex,
  http,
  keccak256,
  numberToHex,
  pad,
  publicActions,
  toFunctionSelector,
  toHex,
  walletActions,
  zeroHash,
} from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { foundry } from "viem/chains";
import type { FollowedContracts } from "../../../coprocessor/chain/decodeLog.ts";
import { compileSolidity } from "../compileSolidity.ts";

/** anvil's first public development key. */
const DEPLOYER = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

/** What every emitter says when it is asked as a jury. */
export const EMITTER_JURY = { bondWei: 7n, verdictSeconds: 60 };

const selector = (name: "bondWei" | "verdictSeconds") =>
  toFunctionSelector(getAbiItem({ abi: juryArbiterAbi, name }));

/** Emits whatever log its calldata says: number of topics (1 byte), four topics, data. */
const SOURCE = `
// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;
contract Emitter {
  fallback() external {
    assembly {
      if lt(calldatasize(), 129) {
        switch shr(224, calldataload(0))
        case ${selector("bondWei")} { mstore(0, ${EMITTER_JURY.bondWei}) }
        case ${selector("verdictSeconds")} { mstore(0, ${EMITTER_JURY.verdictSeconds}) }
        // As a contract that knows no such function answers a question.
        default { revert(0, 0) }
        return(0, 32)
      }
      let n := byte(0, calldataload(0))
      let size := sub(calldatasize(), 129)
      calldatacopy(0, 129, size)
      switch n
      case 1 { log1(0, size, calldataload(1)) }
      case 2 { log2(0, size, calldataload(1), calldataload(33)) }
      case 3 { log3(0, size, calldataload(1), calldataload(33), calldataload(65)) }
      case 4 { log4(0, size, calldataload(1), calldataload(33), calldataload(65), calldataload(97)) }
      default { revert(0, 0) }
    }
  }
}`;

export type EmitterClient = ReturnType<typeof emitterClient>;

export function emitterClient(url: string) {
  return createTestClient({
    account: privateKeyToAccount(DEPLOYER),
    chain: foundry,
    mode: "anvil",
    transport: http(url),
    pollingInterval: 20,
  })
    .extend(publicActions)
    .extend(walletActions);
}

/** Deploys one emitter per followed contract; anvil must mine by itself or be told to afterwards. */
export async function deployEmitters(client: EmitterClient): Promise<FollowedContracts> {
  const from = client.account.address;
  const nonce = await client.getTransactionCount({ address: from });
  const { bytecode } = compileSolidity("Emitter", SOURCE);
  const addresses: Address[] = [];
  for (let index = 0; index < 3; index += 1) {
    await client.sendTransaction({ data: bytecode, gas: 1_000_000n, nonce: nonce + index });
    addresses.push(getContractAddress({ from, nonce: BigInt(nonce + index) }));
  }
  const [oracle, operatorRegistry, modelRegistry] = addresses as [Address, Address, Address];
  return { oracle, operatorRegistry, modelRegistry };
}

/** Deploys one more, to be listed as a jury. */
export async function deployJury(client: EmitterClient): Promise<Address> {
  const from = client.account.address;
  const nonce = await client.getTransactionCount({ address: from });
  const { bytecode } = compileSolidity("Emitter", SOURCE);
  await client.sendTransaction({ data: bytecode, gas: 1_000_000n, nonce });
  await client.mine({ blocks: 1 });
  return getContractAddress({ from, nonce: BigInt(nonce) });
}

/** Calldata that makes an emitter emit a log. */
export function emission(topics: readonly Hex[], data: Hex): Hex {
  const padded = [...topics, zeroHash, zeroHash, zeroHash].slice(0, 4);
  return concatHex([numberToHex(topics.length, { size: 1 }), ...padded, data]);
}

/** A request whose id and input hash are right, told apart by `seed`. */
export function openedRequest(seed: number) {
  const input = encodeAbiParameters([{ type: "string" }], [`message ${seed}`]);
  const request = packRequest({
    modelId: keccak256("0x01"),
    inputHash: keccak256(input),
    consumer: "0x00000000000000000000000000000000000000C0",
    deadline: 2_000_000_000,
    callbackGasLimit: 100_000,
    committeeSize: 3,
    quorum: 2,
    salt: 0,
    totalWeight: 3n,
    openedBlock: BigInt(seed),
    openedAt: 1_700_000_000,
    challengeWindow: 0,
    arbiterIndex: 0,
    roundSeconds: 4,
    overdrawBps: 10_000,
    royaltyBps: 0,
    protocolBps: 0,
    tokenIndex: 0,
    fee: 1n,
    gasReserve: 1n,
    maxGasPrice: 1n,
  });
  return { id: requestId(request), request, input };
}

/** Calldata for a `RequestOpened` log, with parts replaced to make it wrong. */
export function requestOpened(seed: number, wrong: { id?: Hex; input?: Hex; data?: Hex } = {}): Hex {
  const { id, request, input } = openedRequest(seed);
  const item = getAbiItem({ abi: inferenceOracleAbi, name: "RequestOpened" });
  const topics = encodeEventTopics({
    abi: [item],
    args: { requestId: wrong.id ?? id, modelId: request.modelId, consumer: pad("0xc0", { size: 20 }) },
  }) as Hex[];
  const parameters = item.inputs.filter((parameter) => !parameter.indexed);
  const data = wrong.data ?? encodeAbiParameters(parameters, [request, wrong.input ?? input] as never);
  return emission(topics, data);
}

/** Calldata for a `Redelivered` log: one that says nothing but its id. */
export function redelivered(seed: number): Hex {
  const topics = encodeEventTopics({
    abi: inferenceOracleAbi,
    eventName: "Redelivered",
    args: { requestId: toHex(seed, { size: 32 }) },
  }) as Hex[];
  return emission(topics, "0x");
}

/** Calldata for an `ArbiterListed` log. */
export function arbiterListed(arbiterIndex: number, arbiter: Address): Hex {
  const topics = encodeEventTopics({
    abi: inferenceOracleAbi,
    eventName: "ArbiterListed",
    args: { arbiterIndex, arbiter },
  }) as Hex[];
  return emission(topics, "0x");
}

/** Calldata for a `ProposalChallenged` log of an arbiter, in a block. */
export function proposalChallenged(arbiter: Address, challengedBlock: number): Hex {
  const proposal = { outputHash: keccak256("0x01"), signers: 1n, submitterId: 1, proposedAt: 2, gasOwed: 3n };
  const challenger: Address = "0x00000000000000000000000000000000000000c1";
  const dispute = { proposal, challenger, challengedBlock, challengedAt: 4 };
  const { id } = openedRequest(1);
  const item = getAbiItem({ abi: juryArbiterAbi, name: "ProposalChallenged" });
  const topics = encodeEventTopics({
    abi: [item],
    args: { disputeId: disputeId(arbiter, id, dispute), requestId: id, challenger },
  }) as Hex[];
  const parameters = item.inputs.filter((parameter) => !parameter.indexed);
  return emission(topics, encodeAbiParameters(parameters, [dispute] as never));
}
