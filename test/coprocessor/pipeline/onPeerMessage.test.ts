import {
  attestationTypedData,
  commitmentHash,
  commitTypedData,
  packProfile,
  packRequest,
  unpackRequest,
} from "@sibyl/sdk";
import { type Hex, keccak256, toHex } from "viem";
import { type PrivateKeyAccount, privateKeyToAccount } from "viem/accounts";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { KnownSigners } from "../../../coprocessor/core/knownSigners.ts";
import type { CommitMessage, PeerMessage, RevealMessage } from "../../../coprocessor/core/messages.ts";
import { PendingMessages } from "../../../coprocessor/core/pendingMessages.ts";
import { type RequestRecord, requestKey } from "../../../coprocessor/core/request.ts";
import { recoverDigest } from "../../../coprocessor/keys/recover.ts";
import type { Verdict } from "../../../coprocessor/peers/port.ts";
import { onPeerMessage } from "../../../coprocessor/pipeline/onPeerMessage.ts";
import { collectedLog } from "../collectedLog.ts";
import type { StoreUnderTest } from "../store/conformance.ts";
import { openEmbeddedStore } from "../store/embedded.ts";
import { CHAIN_ID, hash, ORACLE, requestRecord } from "../store/fixtures.ts";

const scope = { chainId: CHAIN_ID, oracle: ORACLE };
const OUTPUT: Hex = "0x1234";
const attesters = [1, 2, 3].map((operatorId) =>
  privateKeyToAccount(keccak256(toHex(`attester ${operatorId}`))),
);

let subject: StoreUnderTest;
let record: RequestRecord;
let woken: string[];
let pending: PendingMessages;
let now: number;
let pokes: number;
let knownSigners: KnownSigners;
let recoveries: number;

beforeAll(async () => {
  subject = await openEmbeddedStore();
}, 60_000);

afterAll(() => subject.close());

beforeEach(async () => {
  await subject.clear();
  woken = [];
  now = Date.now();
  pokes = 0;
  knownSigners = new KnownSigners(100);
  recoveries = 0;
  pending = new PendingMessages({ requests: 10, messagesPerRequest: 10, ttlMs: 1_000 });
  const { store } = subject;
  const template = requestRecord("a");
  const fields = unpackRequest({ ...template.request, terms: 0n, opening: 0n, funds: 0n });
  const request = packRequest({
    ...fields,
    committeeSize: 3,
    quorum: 2,
    totalWeight: 300n,
    overdrawBps: 15_000,
    roundSeconds: 5,
    openedAt: 1_000,
  });
  record = { ...template, request };
  await store.insertRequest(record);
  for (const [index, { address }] of attesters.entries()) {
    const operatorId = index + 1;
    await store.putOperator({ operatorId, owner: address, attester: address, endpoint: "" }, 1n);
    const seat = { modelId: request.modelId, operatorId, attester: address, weight: 100n, activeFrom: 0 };
    await store.putEnrolment(operatorId === 3 ? { ...seat, activeFrom: 1_001 } : seat, 1n);
  }
});

function hear(message: PeerMessage): Promise<Verdict> {
  return onPeerMessage(
    {
      scope,
      store: subject.store,
      recover: (digest, signature) => {
        recoveries += 1;
        return recoverDigest(digest, signature);
      },
      knownSigners,
      pending,
      log: collectedLog(),
      pokeCourt: () => pokes++,
      now: () => now,
      wake: (key) => woken.push(key),
    },
    message,
  );
}

const salt = hash("salt");
const accountOf = (operatorId: number): PrivateKeyAccount => {
  const account = attesters[operatorId - 1];
  if (account === undefined) throw new Error(`no attester of operator ${operatorId}`);
  return account;
};

async function commit(
  operatorId: number,
  signer = accountOf(operatorId),
  requestId = record.requestId,
  output = OUTPUT,
) {
  const opening = { requestHash: requestId, operatorId, outputHash: keccak256(output), salt };
  const commitment = commitmentHash(opening);
  const signature = await signer.signTypedData(
    commitTypedData(scope, { requestHash: requestId, commitment }),
  );
  return { kind: "commit", requestId, operatorId, commitment, signature } satisfies CommitMessage;
}

async function attestation(
  operatorId: number,
  view = 0,
  oracle = scope.oracle,
  output = OUTPUT,
): Promise<PeerMessage> {
  const { requestId } = record;
  const fields = { requestHash: requestId, outputHash: keccak256(output), view };
  const signature = await accountOf(operatorId).signTypedData(
    attestationTypedData({ ...scope, oracle }, fields),
  );
  return { kind: "attestation", requestId, operatorId, view, outputHash: fields.outputHash, signature };
}

async function proposal(operatorId: number, view: number, output = OUTPUT): Promise<PeerMessage> {
  const { requestId } = record;
  const fields = { requestHash: requestId, outputHash: keccak256(output), view };
  const signature = await accountOf(operatorId).signTypedData(attestationTypedData(scope, fields));
  return { kind: "proposal", requestId, operatorId, view, output, reveals: [1, 2], signature };
}

const reveal = (operatorId: number, commits: CommitMessage[]): RevealMessage => ({
  kind: "reveal",
  requestId: record.requestId,
  operatorId,
  output: OUTPUT,
  salt,
  commits,
});

const stored = async () => (await subject.store.peerMessages(record.key)).map(({ message }) => message);

describe("onPeerMessage", () => {
  it("accepted: a drawn operator's commitment is kept once, and the request looked at again", async () => {
    const message = await commit(1);
    expect(await hear(message)).toBe("accept");
    expect(await hear(message)).toBe("accept");
    expect(await stored()).toEqual([message]);
    expect(woken).toEqual([record.key]);
  });

  it("rejected: another key's signature under an operator's id", async () => {
    expect(await hear(await commit(1, accountOf(2)))).toBe("reject");
    expect(await stored()).toEqual([]);
  });

  it("rejected: a signature for another oracle, so replays across deployments fail", async () => {
    expect(await hear(await attestation(1, 0, "0x00000000000000000000000000000000000000bb"))).toBe("reject");
  });

  it("rejected: bytes that are no signature, and views that nobody reaches", async () => {
    expect(await hear({ ...(await commit(1)), signature: "0x00" })).toBe("reject");
    expect(await hear(await attestation(1, 64))).toBe("reject");
  });

  it("ignored: an operator that is not drawn, or not registered", async () => {
    expect(await hear(await commit(3))).toBe("ignore");
    const stranger = privateKeyToAccount(hash("stranger"));
    expect(await hear({ ...(await commit(1, stranger)), operatorId: 4 })).toBe("ignore");
    expect(await stored()).toEqual([]);
  });

  it("kept aside: a request that the chain has not shown yet", async () => {
    const message = await commit(1, accountOf(1), hash("later"));
    expect(await hear(message)).toBe("accept");
    expect(pending.take(hash("later"))).toEqual([message]);
  });

  it("accepted: a reveal brings the commitments that it waited for, and they come before it", async () => {
    const commits = [await commit(1), await commit(2)];
    expect(await hear(reveal(1, commits))).toBe("accept");
    expect((await stored()).map(({ kind, operatorId }) => `${kind} ${operatorId}`)).toEqual([
      "commit 1",
      "commit 2",
      "reveal 1",
    ]);
  });

  it("accepted: a reveal that others pass on is not stored again, nor the request looked at", async () => {
    const commits = [await commit(1), await commit(2)];
    await hear(reveal(1, commits));
    woken = [];
    const before = await stored();
    for (const carried of [commits, [...commits].reverse(), commits.slice(0, 1)]) {
      expect(await hear(reveal(1, carried))).toBe("accept");
    }
    expect(await stored()).toEqual(before);
    expect(woken).toEqual([]);
  });

  it("accepted: a reveal that was heard already still brings somebody's second, different commitment", async () => {
    const first = await commit(2);
    const commits = [await commit(1), first];
    await hear(reveal(1, commits));
    woken = [];
    const second = await commit(2, accountOf(2), record.requestId, keccak256("0x5678"));
    expect(await hear(reveal(1, [await commit(1), second]))).toBe("accept");
    const kept = (await stored()).filter(({ kind, operatorId }) => kind === "commit" && operatorId === 2);
    expect(kept).toEqual([first, second]);
    expect(woken).toEqual([record.key]);
  });

  it("rejected: a proposal that stands on too few reveals, or is not of their size", async () => {
    expect(await hear({ ...(await proposal(1, 0)), reveals: [1] } as PeerMessage)).toBe("reject");
    await hear(reveal(1, [await commit(1)]));
    expect(await hear(await proposal(2, 0, "0x12"))).toBe("reject");
    expect((await stored()).map(({ kind }) => kind)).toEqual(["commit", "reveal"]);
  });

  it("ignored: one operator's proposals beyond what is kept of them, fewer before the reveals are heard", async () => {
    for (let view = 0; view < 2; view++) expect(await hear(await proposal(1, view))).toBe("accept");
    expect(await hear(await proposal(1, 2))).toBe("ignore");
    const commits = [await commit(1), await commit(2)];
    for (const operatorId of [1, 2]) await hear(reveal(operatorId, commits));
    for (let view = 2; view < 16; view++) expect(await hear(await proposal(1, view))).toBe("accept");
    expect(await hear(await proposal(1, 16))).toBe("ignore");
    expect(await hear(await proposal(2, 16))).toBe("accept");
  });

  it("rejected: a reveal without its own commitment, or with a forged or foreign one", async () => {
    expect(await hear(reveal(1, [await commit(2)]))).toBe("reject");
    expect(await hear(reveal(1, [await commit(1), await commit(2, accountOf(1))]))).toBe("reject");
    expect(await hear(reveal(1, [await commit(1), await commit(2, accountOf(2), hash("other"))]))).toBe(
      "reject",
    );
    expect(await stored()).toEqual([]);
  });

  it("rejected: a reveal that opens no commitment it carries, so that nobody fills another's place", async () => {
    expect(await hear({ ...reveal(1, [await commit(1)]), output: "0x9999" })).toBe("reject");
    expect(await hear({ ...reveal(1, [await commit(1)]), salt: hash("another salt") })).toBe("reject");
    expect(await stored()).toEqual([]);
  });

  it("checked once: a commitment that came by itself and comes again in every reveal", async () => {
    const commits = [await commit(1), await commit(2)];
    for (const message of commits) expect(await hear(message)).toBe("accept");
    expect(recoveries).toBe(2);
    for (const operatorId of [1, 2]) expect(await hear(reveal(operatorId, commits))).toBe("accept");
    expect(recoveries).toBe(2);
  });

  it("checked once: an attestation that is said again, and not one with another output, view or signature", async () => {
    const first = await attestation(1);
    for (let time = 0; time < 3; time++) expect(await hear(first)).toBe("accept");
    expect(recoveries).toBe(1);
    const forged: object[] = [
      { outputHash: hash("other") },
      { view: 1 },
      { signature: (await commit(1)).signature },
    ];
    for (const change of forged) expect(await hear({ ...first, ...change } as PeerMessage)).toBe("reject");
    expect(recoveries).toBe(1 + forged.length);
  });

  it("rejected: a commitment that was checked, under another name, or once its operator has another key", async () => {
    const first = await commit(1);
    expect(await hear(first)).toBe("accept");
    expect(await hear({ ...first, operatorId: 2 })).toBe("reject");
    const { address } = accountOf(3);
    await subject.store.putOperator({ operatorId: 1, owner: address, attester: address, endpoint: "" }, 2n);
    expect(await hear(reveal(1, [first]))).toBe("reject");
  });

  it("checked each time: what was refused, so that no stranger fills the memory of signers", async () => {
    const forged = await commit(1, accountOf(2));
    for (let time = 0; time < 2; time++) expect(await hear(forged)).toBe("reject");
    expect(recoveries).toBe(2);
  });

  it("checked again: a commitment that newer ones pushed out of memory", async () => {
    knownSigners = new KnownSigners(1);
    const [first, second] = [await commit(1), await commit(2)];
    for (const message of [first, second, first]) expect(await hear(message)).toBe("accept");
    expect(recoveries).toBe(3);
  });

  it("kept for a while: what is said about a request that is over; nobody is woken", async () => {
    await subject.store.transition(record.key, ["waiting"], "settled");
    expect(await hear(await commit(1))).toBe("accept");
    expect(await stored()).toHaveLength(1);
    expect(woken).toEqual([]);
    now += 11 * 60_000;
    expect(await hear(await commit(2))).toBe("accept");
    expect(await stored()).toHaveLength(1);
    expect(record.key).toBe(requestKey(CHAIN_ID, ORACLE, record.requestId));
  });

  const evidence = () => subject.store.evidence.list({ limit: 10 });

  it("evidence: a second attestation in one view is kept and does not count, also long after the request", async () => {
    await hear(await attestation(1));
    await subject.store.transition(record.key, ["waiting"], "settled");
    now += 60 * 60_000;
    expect(await hear(await attestation(1, 0, scope.oracle, "0x99"))).toBe("accept");
    expect(await evidence()).toMatchObject([
      { operatorId: 1, offence: "two-outputs", requestId: record.requestId },
    ]);
    expect(pokes).toBe(1);
    await hear(await attestation(1, 0, scope.oracle, "0x88"));
    expect(await evidence()).toHaveLength(1);
  });

  it("evidence: two views count for an exact model only, as the registry has it", async () => {
    await hear(await attestation(1));
    await hear(await attestation(1, 1, scope.oracle, "0x99"));
    expect(await evidence()).toEqual([]);
    const { modelId } = record.request;
    const profile = packProfile({ output: { codec: "scalar" }, profile: { kind: "exact" } });
    await subject.store.putModel({ modelId, publisher: ORACLE, manifestURI: "file:///m", profile }, 2n);
    await hear(await attestation(1, 2, scope.oracle, "0x77"));
    expect(await evidence()).toMatchObject([{ offence: "two-outputs-across-views" }]);
  });

  it("evidence: a commitment that a reveal carries, and that is not the one we heard", async () => {
    await hear(await commit(2));
    const other = await commit(2, accountOf(2), record.requestId, "0x99");
    expect(await hear(reveal(1, [await commit(1), other]))).toBe("accept");
    expect(await evidence()).toMatchObject([{ operatorId: 2, offence: "two-commitments" }]);
    // Both are kept: whoever committed to two answers counts for neither.
    expect(
      (await stored()).filter(({ operatorId, kind }) => operatorId === 2 && kind === "commit"),
    ).toHaveLength(2);
  });

  it("nothing is held against anybody for a repeat, or for a forged second version", async () => {
    const first = await attestation(1);
    await hear(first);
    await hear(first);
    const forged = { ...(await attestation(2, 0, scope.oracle, "0x99")), operatorId: 1 };
    expect(await hear(forged)).toBe("reject");
    expect(await evidence()).toEqual([]);
  });
});
