import { impliedState } from "../core/impliedState.ts";
import type { PeerMessage } from "../core/messages.ts";
import type { RequestRecord } from "../core/request.ts";
import type { PipelineDeps } from "./deps.ts";

/** The order in which an operator says things about a request. */
const SPOKEN_ORDER: Record<PeerMessage["kind"], number> = {
  commit: 0,
  reveal: 1,
  attestation: 2,
  proposal: 3,
};

/**
 * A request, or a dispute, that a reorg took away may come back under the same id. What we said about it then still
 * stands, so we go on from there instead of answering anew: peers may have heard it.
 */
export async function takeUpAgain(
  { store, now }: Pick<PipelineDeps, "store" | "now">,
  { key }: RequestRecord,
): Promise<void> {
  const statements = await store.statements(key);
  if (statements.length === 0) return;
  const inOrder = statements.toSorted((a, b) => SPOKEN_ORDER[a.message.kind] - SPOKEN_ORDER[b.message.kind]);
  for (const { message } of inOrder) await store.addPeerMessage(key, message, now());
  const restored = await store.request(key);
  const slots = statements.map(({ slot }) => slot);
  const state = impliedState(slots, restored?.output != null);
  if (state !== "waiting") await store.transition(key, ["waiting"], state);
}
