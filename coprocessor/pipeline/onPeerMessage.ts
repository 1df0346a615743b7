import { attestationDigest, commitDigest } from "@sibyl/sdk";
import { keccak256 } from "@sibyl/sdk/keccak256";
import type { Address, Hex } from "viem";
import { findEquivocations } from "../core/equivocation.ts";
import { commitmentsIn } from "../core/evidence.ts";
import { opens } from "../core/examine.ts";
import type { SignedStatement } from "../core/knownSigners.ts";
import type { AttestationMessage, CommitMessage, PeerMessage, ProposalMessage } from "../core/messages.ts";
import { admitProposal } from "../core/proposalAdmission.ts";
import { addsNothing } from "../core/repeats.ts";
import { isOpen, type RequestRecord, requestKey } from "../core/request.ts";
import type { Verdict } from "../peers/port.ts";
import { loadContext } from "./context.ts";
import type { PipelineDeps } from "./deps.ts";
import { comparisonOf } from "./examineClosed.ts";
import { keepEvidence } from "./keepEvidence.ts";

/** What judging a message needs: our own memory and a clock, so that a flood costs nothing else. */
export type HearingDeps = Pick<
  PipelineDeps,
  "scope" | "store" | "recover" | "knownSigners" | "pending" | "log" | "now" | "wake" | "pokeCourt"
>;

/** Views above this are nobody's honest doing. */
const MAX_VIEW = 63;

/** How long what is said about a request that is over is still kept: its operators answer for it. */
const KEPT_AFTER_CLOSE_MS = 10 * 60_000;

/**
 * Judges what a peer said, and remembers it if it can matter.
 *
 * Only messages that a registered attester signed are relayed or remembered, so a stranger costs one signature check. A
 * second version of what an operator said never counts, and is what convicts it: so it is seen, also after the request.
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
  const { candidates, terms } = await loadContext(deps, record);
  const drawn = new Set(candidates.map((candidate) => candidate.operatorId));
  if (!drawn.has(message.operatorId)) return isOpen(record.state) ? "ignore" : "accept";

  const heard = (await deps.store.peerMessages(key)).map((stored) => stored.message);
  if (isRepeat(message, heard)) return "accept";
  await convict(deps, record, heard, message);
  const open = isOpen(record.state);
  if (!open && deps.now() - record.updatedAt > KEPT_AFTER_CLOSE_MS) return "accept";
  if (message.kind === "proposal") {
    const admission = admitProposal(message, terms.quorum, heard);
    if (admission !== "keep") return admission;
  }

  // A second, different commitment of somebody is stored too: who signs two does not count.
  const committed = new Set(
    heard.flatMap((known) => (known.kind === "commit" ? [`${known.operatorId} ${known.commitment}`] : [])),
  );
  const carried = message.kind === "reveal" ? message.commits : [];
  const unheard = carried.filter(
    ({ operatorId, commitment }) => drawn.has(operatorId) && !committed.has(`${operatorId} ${commitment}`),
  );
  // In this order: the commitments that a reveal carries were there before it.
  const receivedAt = deps.now();
  const known = await deps.store.hear(
    key,
    [...unheard, message].map((one) => ({ message: one, receivedAt })),
  );
  const isNew = known.some((one) => one !== null);
  if (isNew && open) deps.wake(key);
  return "accept";
}

/** Said before, told from memory. A proposal's reveals are not signed, so it may be another one. */
function isRepeat(message: PeerMessage, heard: readonly PeerMessage[]): boolean {
  if (message.kind === "proposal") return false;
  if (message.kind === "reveal") return addsNothing(message, heard);
  return heard.some((other) => other.kind === message.kind && other.signature === message.signature);
}

/** Holds a message, and the commitments that it carries, against what the same operators said before. */
async function convict(
  deps: HearingDeps,
  record: RequestRecord,
  heard: readonly PeerMessage[],
  message: PeerMessage,
): Promise<void> {
  const said = [...commitmentsIn(message), ...(message.kind === "commit" ? [] : [message])];
  const exact = (await comparisonOf(deps, record))?.profile.kind === "exact";
  const findings = said.flatMap((one) => findEquivocations(heard, one, exact));
  await keepEvidence(deps, record, findings);
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
      // Without this anybody could fill the places that an operator's own reveal needs.
      if (!message.commits.some((commit) => opens(message, commit))) return "reject";
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
  const { requestId: requestHash, operatorId, commitment } = message;
  return checkSigner(deps, operatorId, message, () => commitDigest(deps.scope, { requestHash, commitment }));
}

function checkAttestation(
  deps: HearingDeps,
  { requestId, operatorId, view, signature }: ProposalMessage | AttestationMessage,
  outputHash: Hex,
): Promise<Verdict> {
  return checkSigner(deps, operatorId, { requestId, outputHash, view, signature }, () =>
    attestationDigest(deps.scope, { requestHash: requestId, outputHash, view }),
  );
}

async function checkSigner(
  deps: HearingDeps,
  operatorId: number,
  statement: SignedStatement,
  digestOf: () => Hex,
): Promise<Verdict> {
  const known = deps.knownSigners.signerOf(statement);
  if (known !== undefined) return speaksFor(deps, operatorId, known);
  const signer = deps.recover(digestOf(), statement.signature);
  const verdict = await speaksFor(deps, operatorId, signer);
  if (verdict === "accept" && signer !== undefined) deps.knownSigners.remember(statement, signer);
  return verdict;
}

/** Whether a signer is the attester that the registry has for an operator. */
async function speaksFor(
  { store }: HearingDeps,
  operatorId: number,
  signer: Address | undefined,
): Promise<Verdict> {
  if (signer === undefined) return "reject";
  const operator = await store.operator(operatorId);
  // Perhaps registered in a block that we have not read yet: not the relaying peer's fault.
  if (operator === null) return "ignore";
  return operator.attester.toLowerCase() === signer.toLowerCase() ? "accept" : "reject";
}
