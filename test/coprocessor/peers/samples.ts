import { randomBytes } from "node:crypto";
import { keccak256, toHex } from "viem";
import type { CommitMessage, PeerMessage } from "../../../coprocessor/core/messages.ts";
import { createWire, NONCE_BYTES } from "../../../coprocessor/peers/wire.ts";

const word = (label: string) => keccak256(toHex(label));
const signature = (label: string) => `${word(`${label}/r`)}${word(`${label}/s`).slice(2)}1b` as const;

/** A well-formed commitment; each `n` gives another. */
export const commit = (n: number, operatorId = 1): CommitMessage => ({
  kind: "commit",
  requestId: word(`request ${n}`),
  operatorId,
  commitment: word(`commitment ${n} ${operatorId}`),
  signature: signature(`${n} ${operatorId}`),
});

/** One message of each kind. */
export const oneOfEach = (outputBytes = 128): PeerMessage[] => [
  commit(1),
  {
    kind: "reveal",
    requestId: word("request 1"),
    operatorId: 2,
    output: `0x${"5a".repeat(outputBytes)}`,
    salt: word("salt"),
    commits: [commit(1, 1), commit(1, 2), commit(1, 3)],
  },
  {
    kind: "proposal",
    requestId: word("request 1"),
    operatorId: 3,
    view: 4_294_967_295,
    output: `0x${"a5".repeat(outputBytes)}`,
    reveals: [1, 2, 4_294_967_295],
    signature: signature("proposal"),
  },
  {
    kind: "attestation",
    requestId: word("request 1"),
    operatorId: 4_294_967_295,
    view: 0,
    outputHash: word("output"),
    signature: signature("attestation"),
  },
];

const wire = createWire(1_000_000);

/** A bundle of these messages, with a fresh nonce. */
export const bundled = (...messages: PeerMessage[]): Uint8Array =>
  wire.bundle(messages.map(wire.encode), randomBytes(NONCE_BYTES));
