import { type Address, type Hex, isAddress, isHex } from "viem";
import { z } from "zod";
import { CoprocessorError } from "./errors.ts";
import { EVIDENCE_KINDS, type EvidenceProof, OFFENCES, type Offence } from "./evidence.ts";

const bytes = z.custom<Hex>((value) => isHex(value) && value.length % 2 === 0, "must be whole bytes in hex");
const sized = (length: number) =>
  bytes.refine((hex) => hex.length === 2 + 2 * length, { message: `must be ${length} bytes` });
const word = sized(32);
const signature = sized(65);
const uint32 = z.int().min(0).max(0xffff_ffff);
const decimal = z.string().regex(/^[0-9]{1,78}$/, "must be a decimal number");
const about = { requestId: word, operatorId: uint32 };

const commit = z.strictObject({ kind: z.literal("commit"), ...about, commitment: word, signature });
const statement = z.discriminatedUnion("kind", [
  commit,
  z.strictObject({
    kind: z.literal("reveal"),
    ...about,
    output: bytes,
    salt: word,
    commits: z.array(commit).max(64),
  }),
  z.strictObject({
    kind: z.literal("proposal"),
    ...about,
    view: uint32,
    output: bytes,
    reveals: z.array(uint32).max(64),
    signature,
  }),
  z.strictObject({ kind: z.literal("attestation"), ...about, view: uint32, outputHash: word, signature }),
]);

const proof = z.strictObject({
  schema: z.literal("sibyl/evidence@1"),
  id: word,
  kind: z.enum(EVIDENCE_KINDS),
  offence: z.enum(Object.keys(OFFENCES) as [Offence, ...Offence[]]),
  fact: z.string(),
  chainId: z.int().min(1),
  oracle: z.custom<Address>((value) => typeof value === "string" && isAddress(value, { strict: false })),
  requestId: word,
  request: z.strictObject({
    modelId: word,
    inputHash: word,
    terms: decimal,
    opening: decimal,
    funds: decimal,
  }),
  profile: decimal,
  operatorId: uint32,
  statements: z.array(statement).max(4),
  outputs: z.array(bytes).max(4),
  ours: bytes.nullable(),
  foundAt: z.int().min(0),
});

/**
 * Reads a proof that somebody handed over: its form, and nothing of what it claims (`verifyEvidence`).
 *
 * @throws CoprocessorError `evidence/invalid`
 */
export function parseProof(json: unknown): EvidenceProof {
  const parsed = proof.safeParse(json);
  if (parsed.success) return parsed.data;
  const fault = z.prettifyError(parsed.error);
  throw new CoprocessorError(`this is no evidence: ${fault}`, {
    code: "evidence/invalid",
    retry: "never",
    meta: { fault },
  });
}
