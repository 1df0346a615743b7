import {
  attestationPreimage,
  commitmentHash,
  commitPreimage,
  encodeResolve,
  encodeSettle,
  unpackSigners,
} from "@sibyl/sdk";
import { keccak256 } from "@sibyl/sdk/keccak256";
import { size } from "viem";
import type { AgreementAction } from "../core/agreement.ts";
import type { Ballot } from "../core/ballot.ts";
import type { PeerMessage } from "../core/messages.ts";
import { concludingGas, plannedTransaction } from "../core/plannedTransaction.ts";
import type { RequestRecord, RequestState } from "../core/request.ts";
import type { InferenceJob } from "../queue/port.ts";
import { priorityOf } from "./admit.ts";
import type { RequestContext } from "./context.ts";
import type { PipelineDeps } from "./deps.ts";
import { saltFor } from "./saltFor.ts";

/** Gas that one more attestation adds to a settlement: recovering its signer and paying it. */
const GAS_PER_SIGNATURE = 45_000;
/** Gas that a verdict adds for each signer of the proposal: it is punished, or paid a part of the bond. */
const GAS_PER_ACCUSED = 70_000;

/** A node that lost its store may learn from its peers that it had committed or revealed, without its row ever saying so. */
const SPEAKING: readonly RequestState[] = ["computed", "committed", "revealed", "attested"];

/** What an action is about. */
export interface Subject {
  record: RequestRecord;
  context: RequestContext;
  ballot: Ballot;
}

type ActionOf<T extends AgreementAction["type"]> = Extract<AgreementAction, { type: T }>;

/** Carries out one decision. Whatever we sign is stored before it is sent, and only what is stored is sent. */
export async function act(deps: PipelineDeps, subject: Subject, action: AgreementAction): Promise<void> {
  switch (action.type) {
    case "start":
      return start(deps, subject);
    case "commit":
      return commit(deps, subject);
    case "reveal":
      return reveal(deps, subject);
    case "propose":
      return propose(deps, subject, action);
    case "attest":
      await attest(deps, subject, action);
      return;
    case "settle":
      return settle(deps, subject, action);
  }
}

/** The job first: if adding it fails, or we die in between, the row still says that it is owed. */
async function start(deps: PipelineDeps, { record }: Subject): Promise<void> {
  try {
    await enqueue(deps, record);
  } catch (error) {
    deps.workload.ended(record.key);
    throw error;
  }
  await deps.store.transition(record.key, ["waiting"], "queued");
  deps.log.info({ requestId: record.requestId, modelId: record.request.modelId }, "job queued");
}

/** Hands the job to the queue; a job that is there already is left alone, so this also resumes after a crash. */
export async function enqueue(deps: PipelineDeps, record: RequestRecord): Promise<void> {
  await deps.queue.add(await jobOf(deps, record), priorityOf(record, deps.workload.rules));
}

/** What a worker is given for a request. */
export async function jobOf(
  { store }: Pick<PipelineDeps, "store">,
  { key, request, input, deadline }: RequestRecord,
): Promise<InferenceJob> {
  const { modelId } = request;
  const manifestURI = (await store.model(modelId))?.manifestURI ?? "";
  return { version: 1, key, modelId, manifestURI, input, deadlineMs: deadline * 1_000 };
}

async function commit(deps: PipelineDeps, { record }: Subject): Promise<void> {
  const { requestId, outputHash } = record;
  if (outputHash === null) return;
  const opening = {
    requestHash: requestId,
    operatorId: deps.me,
    outputHash,
    salt: await saltFor(deps, requestId),
  };
  const commitment = commitmentHash(opening);
  const signature = await deps.key.sign(commitPreimage(deps.scope, { requestHash: requestId, commitment }));
  const message = { kind: "commit", requestId, operatorId: deps.me, commitment, signature } as const;
  // It comes back in everybody's reveal.
  deps.knownSigners.remember(message, deps.key.address);
  await say(deps, record, "commit", message, { from: ["computed"], to: "committed" });
}

async function reveal(deps: PipelineDeps, { record, ballot }: Subject): Promise<void> {
  const { requestId, output } = record;
  if (output === null) return;
  const message: PeerMessage = {
    kind: "reveal",
    requestId,
    operatorId: deps.me,
    output,
    salt: await saltFor(deps, requestId),
    commits: [...ballot.timely.values()],
  };
  await say(deps, record, "reveal", message, { from: ["computed", "committed"], to: "revealed" });
}

/** A proposal is signed as its proposer's attestation, so the attestation's slot must be ours to fill first. */
async function propose(deps: PipelineDeps, subject: Subject, action: ActionOf<"propose">): Promise<void> {
  const { record } = subject;
  const { view, output, reveals } = action;
  const outputHash = keccak256(output);
  const attestation = await attest(deps, subject, { type: "attest", view, outputHash });
  if (attestation.kind !== "attestation" || attestation.outputHash !== outputHash) return;
  const { requestId } = record;
  const { signature } = attestation;
  const message = {
    kind: "proposal",
    requestId,
    operatorId: deps.me,
    view,
    output,
    reveals,
    signature,
  } as const;
  await say(deps, record, `proposal/${view}`, message, { from: ["attested"], to: "attested" });
}

async function attest(
  deps: PipelineDeps,
  { record }: Subject,
  { view, outputHash }: ActionOf<"attest">,
): Promise<PeerMessage> {
  const { requestId } = record;
  const preimage = attestationPreimage(deps.scope, { requestHash: requestId, outputHash, view });
  const signature = await deps.key.sign(preimage);
  const message = {
    kind: "attestation",
    requestId,
    operatorId: deps.me,
    view,
    outputHash,
    signature,
  } as const;
  return say(deps, record, `attestation/${view}`, message, {
    from: SPEAKING,
    to: "attested",
  });
}

async function settle(deps: PipelineDeps, subject: Subject, action: ActionOf<"settle">): Promise<void> {
  const { record, context, ballot } = subject;
  const { view, output, signers } = action;
  const outputHash = keccak256(output);
  const group = ballot.attestations.find(
    (candidate) => candidate.view === view && candidate.outputHash === outputHash,
  );
  const attestations = signers.flatMap((operatorId) => {
    const message = group?.signers.get(operatorId);
    return message === undefined ? [] : [{ operatorId, signature: message.signature }];
  });
  const { key, dispute } = record;
  const { callbackGasLimit, maxGasPrice } = context.fields;
  const gas = concludingGas({
    callbackGasLimit,
    signers: signers.length,
    gasPerSigner: GAS_PER_SIGNATURE,
    outputBytes: size(output),
  });
  const call =
    dispute === null
      ? {
          kind: "settle" as const,
          to: record.oracle,
          data: encodeSettle(record.request, output, view, attestations),
          gas,
        }
      : {
          kind: "resolve" as const,
          to: dispute.arbiter,
          data: encodeResolve(record.request, dispute.dispute, output, view, attestations),
          gas: gas + BigInt(GAS_PER_ACCUSED * unpackSigners(dispute.dispute.proposal.signers).length),
        };
  const earlier = (await deps.store.outboxFor(key)).filter(({ kind }) => kind === call.kind);
  const id = `${call.kind}/${key}/${earlier.length}`;
  await deps.store.insertOutbox(
    plannedTransaction({ id, key, ...call, maxFeePerGasCap: maxGasPrice }, deps.now()),
  );
  const what = dispute === null ? "settlement planned" : "verdict planned";
  deps.log.info({ requestId: record.requestId, view, signers, outputHash }, what);
  deps.pokeOutbox();
}

/**
 * Stores a statement, then sends it. If its slot was filled before, perhaps before a crash, what stands there is sent.
 * Our own words are heard like everybody's, so that their order among the others is kept.
 */
async function say(
  deps: PipelineDeps,
  { key, requestId }: RequestRecord,
  slot: string,
  message: PeerMessage,
  transition: { from: readonly RequestState[]; to: RequestState },
): Promise<PeerMessage> {
  const said = { key, slot, message, createdAt: deps.now() };
  const { statement } = await deps.store.write({ key, statement: said, move: transition });
  const stored = statement?.message ?? message;
  deps.log.info({ requestId, slot }, "said");
  await deps.peers.publish(stored);
  return stored;
}
