import {
  type AttestationMessage,
  type CommitMessage,
  type PeerRecord,
  type Peers,
  type ProposalMessage,
  peerRecordTypedData,
  type RevealMessage,
  type SignedPeerRecord,
} from "@sibyl/coprocessor/testing";
import {
  attestationTypedData,
  commitmentHash,
  commitTypedData,
  type OracleScope,
  operatorRegistryAbi,
} from "@sibyl/sdk";
import { type Hex, keccak256 } from "viem";
import type { HDAccount } from "viem/accounts";
import type { ChainClient } from "../network/chainClient.ts";
import type { Protocol } from "../network/deployProtocol.ts";
import { operatorAttester, operatorOwner } from "../network/devAccounts.ts";
import { activated, enrollOperator, registerOperator } from "../network/registerOperator.ts";
import { until } from "../network/until.ts";

/** A few blocks. */
const PUNISHED_MS = 5_000;

/** A registered operator with a seat and no node: whoever holds its key says what it likes in its name. */
export interface Seat {
  /** Which of the development accounts it uses. */
  place: number;
  operatorId: number;
  owner: HDAccount;
  attester: HDAccount;
}

export async function takeSeat(
  client: ChainClient,
  { operatorRegistry }: Protocol,
  options: { place: number; modelId: Hex; endpoint: string },
): Promise<Seat> {
  const { place, modelId, endpoint } = options;
  const { operatorId } = await registerOperator(client, operatorRegistry, place, endpoint);
  await enrollOperator(client, operatorRegistry, place, modelId);
  await activated(client, operatorRegistry, modelId, [operatorId]);
  return { place, operatorId, owner: operatorOwner(place), attester: operatorAttester(place) };
}

/** Gives the seat back, so that later requests are drawn without it; an operator that was punished has none. */
export async function leaveSeat(
  client: ChainClient,
  { operatorRegistry: address }: Protocol,
  { owner, operatorId }: Seat,
  modelId: Hex,
): Promise<void> {
  const isSeated = async () => {
    const models = await client.reader.readContract({
      abi: operatorRegistryAbi,
      address,
      functionName: "modelsOf",
      args: [operatorId],
    });
    return models.includes(modelId);
  };
  if (!(await isSeated())) return;
  try {
    const hash = await client
      .as(owner)
      .writeContract({ abi: operatorRegistryAbi, address, functionName: "unenroll", args: [modelId] });
    await client.mined(hash, `operator ${operatorId} leaving its seat`);
  } catch (error) {
    // A punishment may have taken it meanwhile, or be about to in the next block.
    const lost = async () => ((await isSeated()) ? null : true);
    await until(`operator ${operatorId} to lose its seat`, lost, { timeoutMs: PUNISHED_MS }).catch(() => {
      throw error;
    });
  }
}

/** What an operator may say, signed with its key, whether or not it is true. */
export class Voice {
  readonly seat: Seat;
  readonly #scope: OracleScope;
  readonly #peers: Peers;

  constructor(seat: Seat, scope: OracleScope, peers: Peers) {
    this.seat = seat;
    this.#scope = scope;
    this.#peers = peers;
  }

  get id(): number {
    return this.seat.operatorId;
  }

  /** Says which peer speaks for the seat's operator. */
  async prove(
    fields: Pick<PeerRecord, "peerId" | "addresses" | "issuedAt" | "expiresAt">,
  ): Promise<SignedPeerRecord> {
    const record = { ...this.#scope, operatorId: this.id, ...fields };
    return { ...record, signature: await this.seat.attester.signTypedData(peerRecordTypedData(record)) };
  }

  async commit(requestId: Hex, output: Hex, salt: Hex): Promise<CommitMessage> {
    const opening = { requestHash: requestId, operatorId: this.id, outputHash: keccak256(output), salt };
    const commitment = commitmentHash(opening);
    const signature = await this.seat.attester.signTypedData(
      commitTypedData(this.#scope, { requestHash: requestId, commitment }),
    );
    const message = { kind: "commit", requestId, operatorId: this.id, commitment, signature } as const;
    await this.#peers.publish(message);
    return message;
  }

  async reveal(own: CommitMessage, output: Hex, salt: Hex, others: readonly CommitMessage[]): Promise<void> {
    const { requestId } = own;
    const message: RevealMessage = {
      kind: "reveal",
      requestId,
      operatorId: this.id,
      output,
      salt,
      commits: [own, ...others.filter(({ operatorId }) => operatorId !== this.id)],
    };
    await this.#peers.publish(message);
  }

  async attestation(requestId: Hex, outputHash: Hex, view: number): Promise<AttestationMessage> {
    const signature = await this.seat.attester.signTypedData(
      attestationTypedData(this.#scope, { requestHash: requestId, outputHash, view }),
    );
    return { kind: "attestation", requestId, operatorId: this.id, view, outputHash, signature };
  }

  async attest(requestId: Hex, outputHash: Hex, view: number): Promise<AttestationMessage> {
    const message = await this.attestation(requestId, outputHash, view);
    await this.#peers.publish(message);
    return message;
  }

  async propose(requestId: Hex, output: Hex, view: number, reveals: number[]): Promise<void> {
    const { signature } = await this.attestation(requestId, keccak256(output), view);
    const message: ProposalMessage = {
      kind: "proposal",
      requestId,
      operatorId: this.id,
      view,
      output,
      reveals: reveals.sort((a, b) => a - b),
      signature,
    };
    await this.#peers.publish(message);
  }
}
