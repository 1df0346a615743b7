import { createHash } from "node:crypto";
import { type Hex, isHex, size } from "viem";
import { z } from "zod";
import { CoprocessorError } from "../core/errors.ts";

/** Bytes of an input or output that travel inside the job; larger ones wait beside the queue, where only their job reads them. */
export const INLINE_BYTES = 32 * 1024;
/** How long they outlive their job's deadline, for an outcome that is collected late. */
const GRACE_MS = 3_600_000;

/** Where large payloads wait, shared by node and workers: the queue's own server. */
export interface PayloadShelf {
  put(name: string, bytes: Hex, ttlMs: number): Promise<void>;
  /** Null for what is not there, or not any more. */
  get(name: string): Promise<Hex | null>;
  drop(names: readonly string[]): Promise<void>;
}

/** What stands in a job in place of a large payload. */
export const reference = z.object({
  at: z.string().min(1),
  bytes: z.int().positive(),
  /** Of the bytes, hex without 0x. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
export type Reference = z.output<typeof reference>;

export const isReference = (value: Hex | Reference): value is Reference => typeof value === "object";

/** Where a job's payloads are, if they are large. */
export const shelfNames = (key: string): string[] => [`${key}/input`, `${key}/output`];

/** Puts bytes away if they are large. @param of.deadlineMs Of their job, Unix milliseconds. */
export async function putAway(
  shelf: PayloadShelf | null,
  bytes: Hex,
  of: { at: string; deadlineMs: number },
): Promise<Hex | Reference> {
  if (shelf === null || size(bytes) <= INLINE_BYTES) return bytes;
  await shelf.put(of.at, bytes, Math.max(0, of.deadlineMs - Date.now()) + GRACE_MS);
  return { at: of.at, bytes: size(bytes), sha256: digestOf(bytes) };
}

/**
 * Fetches what a reference stands for.
 *
 * @throws CoprocessorError `queue/payload-gone`, `queue/payload-altered`
 */
export async function takeBack(shelf: PayloadShelf | null, value: Hex | Reference): Promise<Hex> {
  if (!isReference(value)) return value;
  const bytes = (await shelf?.get(value.at)) ?? null;
  if (bytes === null)
    throw new CoprocessorError(`${value.at} (${value.bytes} bytes) is not beside the queue any more`, {
      code: "queue/payload-gone",
      retry: "never",
      meta: { ...value },
    });
  if (!isHex(bytes) || digestOf(bytes) !== value.sha256)
    throw new CoprocessorError(`${value.at} is not what was put there`, {
      code: "queue/payload-altered",
      retry: "never",
      meta: { ...value },
    });
  return bytes;
}

const digestOf = (bytes: Hex): string =>
  createHash("sha256")
    .update(Buffer.from(bytes.slice(2), "hex"))
    .digest("hex");
