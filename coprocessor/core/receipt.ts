import { agree, type ModelManifest } from "@sibyl/sdk";
import { keccak256 } from "@sibyl/sdk/keccak256";
import { type Hex, isAddress, isHex } from "viem";
import { z } from "zod";
import { CoprocessorError } from "./errors.ts";
import { type RuntimeFingerprint, runtimeFingerprint } from "./runtime.ts";

const bytes = z.custom<Hex>((value) => isHex(value) && value.length % 2 === 0, "must be whole bytes in hex");
const word = bytes.refine((hex) => hex.length === 66, { message: "must be 32 bytes" });

const receiptSchema = z.strictObject({
  schema: z.literal("sibyl/receipt@1"),
  chainId: z.int().min(1),
  oracle: z.custom<Hex>((value) => typeof value === "string" && isAddress(value, { strict: false })),
  requestId: word,
  operatorId: z.int().min(0),
  modelId: word,
  manifestURI: z.string(),
  input: bytes,
  inputHash: word,
  output: bytes,
  outputHash: word,
  runtime: runtimeFingerprint,
  /** Milliseconds to have the model loaded, 0 when it was, and in the runtime. */
  loadMs: z.number().min(0),
  runMs: z.number().min(0),
  /** Unix milliseconds at which the node took the output in. */
  computedAt: z.int().min(0),
});

/**
 * What one operator computed for one request, and with what: enough for anybody to run it again.
 *
 * It is a record and no proof; what an operator answers for is what it signed.
 */
export type Receipt = z.output<typeof receiptSchema>;

/** A receipt without the bytes that its hashes stand for. */
export type ReceiptSummary = Omit<Receipt, "input" | "output">;

/**
 * Reads a receipt that somebody handed over.
 *
 * @throws CoprocessorError `receipt/invalid` when it is none, or its hashes are not those of its bytes.
 */
export function parseReceipt(json: unknown): Receipt {
  const parsed = receiptSchema.safeParse(json);
  if (!parsed.success) throw invalid(z.prettifyError(parsed.error));
  const receipt = parsed.data;
  for (const side of ["input", "output"] as const) {
    const actual = keccak256(receipt[side]);
    if (actual === receipt[`${side}Hash`].toLowerCase()) continue;
    throw invalid(`${side}Hash is ${receipt[`${side}Hash`]}, the ${side} hashes to ${actual}`);
  }
  return receipt;
}

/**
 * How a second run compares with a receipt. `same`: byte for byte. `agrees`: within the model's tolerance.
 * `disagrees`: the two cannot both be honest answers under the model's profile.
 */
export type ReceiptVerdict =
  | { verdict: "same" | "agrees" }
  | {
      verdict: "disagrees";
      reason: string;
      runtimes: { receipt: RuntimeFingerprint; here: RuntimeFingerprint };
    };

/** Judges a second run of a receipt's request. */
export function judgeReceipt(
  receipt: Receipt,
  manifest: ModelManifest,
  second: { output: Hex; runtime: RuntimeFingerprint },
): ReceiptVerdict {
  if (second.output.toLowerCase() === receipt.output.toLowerCase()) return { verdict: "same" };
  const agreement = agree(manifest.output.codec, manifest.profile, receipt.output, second.output);
  if (agreement.agrees) return { verdict: "agrees" };
  const runtimes = { receipt: receipt.runtime, here: second.runtime };
  return { verdict: "disagrees", reason: agreement.reason, runtimes };
}

const invalid = (fault: string) =>
  new CoprocessorError(`this is no receipt: ${fault}`, {
    code: "receipt/invalid",
    retry: "never",
    meta: { fault },
  });
