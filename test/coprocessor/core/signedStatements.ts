import {
  attestationTypedData,
  commitmentHash,
  commitTypedData,
  requestId as hashRequest,
  packRequest,
} from "@sibyl/sdk";
import { type Hex, keccak256, toHex } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import type {
  AttestationMessage,
  CommitMessage,
  ProposalMessage,
  RevealMessage,
} from "../../../coprocessor/core/messages.ts";
import { CHAIN_ID, hash, ORACLE } from "../store/fixtures.ts";

/** What operators of a network say about one request, with real signatures. */
export const scope = { chainId: CHAIN_ID, oracle: ORACLE };
export const keyOf = (operatorId: number) => privateKeyToAccount(keccak256(toHex(`attester ${operatorId}`)));
export const SALT = hash("salt");

export const request = packRequest({
  modelId: hash("model"),
  inputHash: hash("input"),
  consumer: "0x00000000000000000000000000000000000000c0",
  deadline: 2_000_000_000,
  callbackGasLimit: 100_000,
  committeeSize: 3,
  quorum: 2,
  salt: 0,
  totalWeight: 300n,
  openedBlock: 5n,
  openedAt: 1_700_000_000,
  challengeWindow: 0,
  arbiterIndex: 0,
  roundSeconds: 4,
  overdrawBps: 15_000,
  royaltyBps: 0,
  protocolBps: 0,
  tokenIndex: 0,
  fee: 1n,
  gasReserve: 1n,
  maxGasPrice: 1n,
});
export const requestId = hashRequest(request);

export async function commit(operatorId: number, output: Hex, salt = SALT): Promise<CommitMessage> {
  const opening = { requestHash: requestId, operatorId, outputHash: keccak256(output), salt };
  const commitment = commitmentHash(opening);
  const signature = await keyOf(operatorId).signTypedData(
    commitTypedData(scope, { requestHash: requestId, commitment }),
  );
  return { kind: "commit", requestId, operatorId, commitment, signature };
}

export const reveal = (operatorId: number, output: Hex, commits: CommitMessage[]): RevealMessage => ({
  kind: "reveal",
  requestId,
  operatorId,
  output,
  salt: SALT,
  commits,
});

export async function attestation(operatorId: number, output: Hex, view = 0): Promise<AttestationMessage> {
  const outputHash = keccak256(output);
  const signature = await keyOf(operatorId).signTypedData(
    attestationTypedData(scope, { requestHash: requestId, outputHash, view }),
  );
  return { kind: "attestation", requestId, operatorId, view, outputHash, signature };
}

export async function proposal(operatorId: number, output: Hex, view = 0): Promise<ProposalMessage> {
  const { signature } = await attestation(operatorId, output, view);
  return { kind: "proposal", requestId, operatorId, view, output, reveals: [1, 2], signature };
}
