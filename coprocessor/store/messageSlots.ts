import { isDeepStrictEqual } from "node:util";
import type { PeerMessage } from "../core/messages.ts";
import { withoutCarried } from "../core/revealOpening.ts";

/** The first message in a slot and one that contradicts it: together they are evidence, more prove no more. */
export const MESSAGES_PER_SLOT = 2;

/** An operator's messages of one kind in one view share a slot; 0 for kinds without views. */
export const viewOf = (message: PeerMessage): number => ("view" in message ? message.view : 0);

/** A message as it is kept: the commitments that a reveal carries are kept as messages of their own. */
export const asKept = (message: PeerMessage): PeerMessage =>
  message.kind === "reveal" ? withoutCarried(message) : message;

/**
 * Whether a message finds room beside those that are kept about its request, as the tables decide it: its slot must not be
 * full, nor hold one that says the same.
 */
export function hasRoom(kept: readonly PeerMessage[], message: PeerMessage): boolean {
  const { kind, operatorId } = message;
  const view = viewOf(message);
  const beside = kept.filter(
    (other) => other.operatorId === operatorId && other.kind === kind && viewOf(other) === view,
  );
  return beside.length < MESSAGES_PER_SLOT && !beside.some((other) => saysTheSame(other, message));
}

/** Two messages that differ in their signature alone say the same. */
const saysTheSame = (one: PeerMessage, other: PeerMessage): boolean =>
  isDeepStrictEqual({ ...one, signature: null }, { ...other, signature: null });
