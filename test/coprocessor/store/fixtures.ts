import { createHash } from "node:crypto";
import { type Address, type Hex, keccak256 } from "viem";
import type { BlockRef } from "../../../coprocessor/core/block.ts";
import type { AttestationMessage, CommitMessage } from "../../../coprocessor/core/messages.ts";
import type { OutboxEntry } from "../../../coprocessor/core/outbox.ts";
import type { Receipt } from "../../../coprocessor/core/receipt.ts";
import {
  newRecord,
  type ProposedOutput,
  type RequestRecord,
  requestKey,
} from "../../../coprocessor/core/request.ts";
import type { Statement } from "../../../coprocessor/core/statement.ts";
import type { Store } from "../../../coprocessor/store/port.ts";

export const ORACLE: Address = "0x00000000000000000000000000000000000000aa";
export const CHAIN_ID = 31337;

/** A 32-byte value that is the same for the same label. */
export const hash = (label: string): Hex => `0x${createHash("sha256").update(label).digest("hex")}`;
export const address = (label: string): Address => hash(label).slice(0, 42) as Address;

export const block = (number: bigint, fork = ""): BlockRef => ({
  number,
  hash: hash(`block ${number}${fork}`),
  parentHash: hash(`block ${number - 1n}${fork}`),
  timestamp: 1_700_000_000 + Number(number),
});

export function requestRecord(label: string, openedBlock = 10n, fork = ""): RequestRecord {
  return newRecord(
    {
      chainId: CHAIN_ID,
      oracle: ORACLE,
      requestId: hash(`request ${label}`),
      dispute: null,
      request: {
        modelId: hash("model"),
        inputHash: hash(`input ${label}`),
        // The largest uint256, and one past what a JavaScript number or an int8 can hold.
        terms: 2n ** 256n - 1n,
        opening: 2n ** 63n,
        funds: 0n,
      },
      input: "0x0011ff",
      deadline: 1_700_000_600 + Number(openedBlock),
      openedBlock,
      openedBlockHash: block(openedBlock, fork).hash,
      openedTransaction: hash(`opening ${label}${fork}`),
      state: "waiting",
    },
    1_700_000_000_000,
  );
}

/** With numbers that JSON cannot hold. */
export const proposedOutput = (label: string): ProposedOutput => ({
  proposal: {
    outputHash: hash(`output ${label}`),
    signers: (1n << 224n) | (2n << 192n),
    submitterId: 1,
    proposedAt: 1_700_000_000,
    gasOwed: 2n ** 96n - 1n,
  },
  output: "0x0a0b",
});

/** The challenge of the same label's request. */
export function disputeRecord(label: string, challengedBlock = 12n): RequestRecord {
  const request = requestRecord(label, challengedBlock);
  const requestId = hash(`dispute ${label}`);
  const { proposal, output } = proposedOutput(label);
  return {
    ...request,
    key: requestKey(CHAIN_ID, ORACLE, requestId),
    requestId,
    dispute: {
      requestId: request.requestId,
      arbiter: address("arbiter"),
      dispute: {
        proposal,
        challenger: address("challenger"),
        challengedBlock: Number(challengedBlock),
        challengedAt: 1_700_000_012,
      },
      output,
    },
  };
}

export const commit = (requestId: Hex, operatorId: number, label = "a"): CommitMessage => ({
  kind: "commit",
  requestId,
  operatorId,
  commitment: hash(`commitment ${operatorId} ${label}`),
  signature: hash(`signature ${operatorId} ${label}`),
});

export const attestation = (
  requestId: Hex,
  operatorId: number,
  view = 0,
  label = "a",
): AttestationMessage => ({
  kind: "attestation",
  requestId,
  operatorId,
  view,
  outputHash: hash(`output ${label}`),
  signature: hash(`attestation ${operatorId} ${view} ${label}`),
});

/** Says something about a request, as the node does. @returns what stands in its slot. */
export async function recordStatement(store: Store, statement: Statement): Promise<Statement> {
  const { statement: standing } = await store.write({ key: statement.key, statement });
  if (standing === null) throw new Error(`nothing stands in slot ${statement.slot}`);
  return standing;
}

export const RUNTIME = {
  library: "onnxruntime-node" as const,
  version: "1.29.0",
  asked: "cpu" as const,
  used: ["cpu" as const],
  intraOpThreads: 1,
  optimisation: "all" as const,
  batch: 1,
  platform: "linux-x64",
  cpu: "avx2 fma",
};

/** A receipt for the request of the same label; its hashes are those of its bytes. */
export const receipt = (label: string, patch: Partial<Receipt> = {}): Receipt => ({
  schema: "sibyl/receipt@1",
  chainId: CHAIN_ID,
  oracle: ORACLE,
  requestId: hash(`request ${label}`),
  operatorId: 7,
  modelId: hash("model"),
  manifestURI: "file:///models/a/manifest.json",
  input: "0x0011ff",
  inputHash: keccak256("0x0011ff"),
  output: "0x01",
  outputHash: keccak256("0x01"),
  runtime: RUNTIME,
  loadMs: 12.5,
  runMs: 0.25,
  computedAt: 1_700_000_000_000,
  ...patch,
});

export const outboxEntry = (id: string, patch: Partial<OutboxEntry> = {}): OutboxEntry => ({
  id,
  key: requestRecord(id).key,
  kind: "settle",
  to: ORACLE,
  data: "0x1234",
  value: 0n,
  gas: 300_000n,
  maxFeePerGasCap: 2n ** 128n,
  state: "planned",
  nonce: null,
  attempts: [],
  minedTransaction: null,
  minedBlock: null,
  succeeded: null,
  reason: null,
  createdAt: 1,
  updatedAt: 1,
  ...patch,
});
