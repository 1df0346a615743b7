import { attestationDigest, commitDigest } from "@sibyl/sdk";
import { type Hex, isAddressEqual, keccak256 } from "viem";
import type { AttestationMessage, CommitMessage, PeerMessage, ProposalMessage } from "../core/messages.ts";
import { admitProposal } from "../core/proposalAdmission.ts";
import { isOpen, type RequestKey, requestKey } from "../core/request.ts";
import type { Verdict } from "../peers/port.ts";
import type { Store } from "../store/port.ts";
import { loadContext } from "./context.ts";
import type { PipelineDeps } from "./deps.ts";

/** What judging a message needs: our own memory and a clock, so that a flood costs nothing else. */
export type HearingDeps = Pick<PipelineDeps, "scope" | "store" | "recover" | "pending" | "now" | "wake">;

/** Views above this are nobody's honest doing. */
const MAX_VIEW = 63;

/**
 * Judges what a peer said, and stores it if it can matter.
 *
 * Only messages that a registered attester signed are relayed or remembered, so a stranger costs one signature check.
 */
export async function onPeerMessage(deps: HearingDeps, message: PeerMessage): Promise<Verdict> {
  const { chainId, oracle } = deps.scope;
  if ((message.kind === "proposal" || message.kind === "attestation") && message.view > MAX_VIEW)
    return "reject";
  const verdict = await checkSignatures(deps, message);
  if (verdict !== "accept") return verdict;

  const key = requestKey(chainId, oracle, message.requestId);
  const record = await deps.store.request(key);
  if (record === null) {
    deps.pending.add(message, deps.now());
    return "accept";
  }
  if (!isOpen(record.state)) return "accept";
  const { candidates, terms } = await loadContext(deps, record);
  const drawn = new Set(candidates.map((candidate) => candidate.operatorId));
  if (!drawn.has(message.operatorId)) return "ignore";

  const stored = carries(message) ? await deps.store.peerMessages(key) : [];
  if (message.kind === "proposal") {
    const known = stored.map(({ message: earlier }) => earlier);
    const admission = admitProposal(message, terms.quorum, known);
    if (admission !== "keep") return admission;
  }
  const carried = message.kind === "reveal" ? message.commits : [];
  // A second, different commitment of somebody is stored too: who signs two does not count.
  const heard = new Set(
    stored.flatMap(({ message: known }) =>
      known.kind === "commit" ? [`${known.operatorId} ${known.commitment}`] : [],
    ),
  );
  const unheard = carried.filter(
    ({ operatorId, commitment }) => drawn.has(operatorId) && !heard.has(`${operatorId} ${commitment}`),
  );
  const isNew = await storeAll(deps, key, [...unheard, message]);
  if (isNew) deps.wake(key);
  return "accept";
}

/** Whether what to do with a message depends on what was said before. */
const carries = ({ kind }: PeerMessage): boolean => kind === "reveal" || kind === "proposal";

/**
 * Stores messages in this order, all or none: the commitments that a reveal carries were there before it.
 *
 * @returns whether any is new.
 */
async function storeAll(
  { store, now }: HearingDeps,
  key: RequestKey,
  messages: PeerMessage[],
): Promise<boolean> {
  const add = async (into: Store) => {
    let isNew = false;
    for (const message of messages) {
      if ((await into.addPeerMessage(key, message, now())) !== null) isNew = true;
    }
    return isNew;
  };
  return messages.length === 1 ? add(store) : store.transaction(add);
}

/** A reveal proves itself by opening a commitment that it carries; everything else is signed. */
async function checkSignatures(deps: HearingDeps, message: PeerMessage): Promise<Verdict> {
  switch (message.kind) {
    case "commit":
      return checkCommit(deps, message);
    case "attestation":
      return checkAttestation(deps, message, message.outputHash);
    case "proposal":
      return checkAttestation(deps, message, keccak256(message.output));
    case "reveal": {
      if (!message.commits.some((commit) => commit.operatorId === message.operatorId)) return "reject";
      for (const commit of message.commits) {
        if (commit.requestId !== message.requestId) return "reject";
        const verdict = await checkCommit(deps, commit);
        if (verdict !== "accept") return verdict;
      }
      return "accept";
    }
  }
}

function checkCommit(deps: HearingDeps, message: CommitMessage): Promise<Verdict> {
  const { requestId: requestHash, commitment } = message;
  return checkSigner(deps, message, commitDigest(deps.scope, { requestHash, commitment }));
}

function checkAttestation(
  deps: HearingDeps,
  message: ProposalMessage | AttestationMessage,
  outputHash: Hex,
): Promise<Verdict> {
  const { requestId: requestHash, view } = message;
  return checkSigner(deps, message, attestationDigest(deps.scope, { requestHash, outputHash, view }));
}

async function checkSigner(
  deps: HearingDeps,
  message: { operatorId: number; signature: Hex },
  digest: Hex,
): Promise<Verdict> {
  const signer = deps.recover(digest, message.signature);
  if (signer === undefined) return "reject";
  const operator = await deps.store.operator(message.operatorId);
  // Perhaps registered in a block that we have not read yet: not the relaying peer's fault.
  if (operator === null) return "ignore";
  return isAddressEqual(operator.attester, signer) ? "accept" : "reject";
}
