import {
  disputeId,
  inferenceOracleAbi,
  juryArbiterAbi,
  modelRegistryAbi,
  operatorRegistryAbi,
  packEnrolment,
} from "@sibyl/sdk";
import {
  type Abi,
  type Address,
  encodeAbiParameters,
  encodeEventTopics,
  type Hex,
  keccak256,
  toHex,
} from "viem";
import { describe, expect, it } from "vitest";
import { decodeLog } from "../../../coprocessor/chain/decodeLog.ts";
import type { RawLog } from "../../../coprocessor/chain/rawLog.ts";
import { openedRequest } from "./emitter.ts";

const address = (n: number): Address => toHex(n, { size: 20 });
const contracts = { oracle: address(1), operatorRegistry: address(2), modelRegistry: address(3) };
const hash = (n: number) => toHex(n, { size: 32 });

function log(from: Address, abi: Abi, eventName: string, args: Record<string, unknown>, data?: Hex): RawLog {
  const topics = encodeEventTopics({ abi, eventName, args } as never) as Hex[];
  const event = abi.find((item) => item.type === "event" && item.name === eventName);
  if (event?.type !== "event") throw new Error(eventName);
  const rest = event.inputs.filter((input) => !input.indexed);
  return {
    address: from,
    topics,
    data:
      data ??
      encodeAbiParameters(
        rest,
        rest.map(({ name }) => args[name as string]),
      ),
    blockNumber: 7n,
    blockHash: hash(7),
    transactionHash: hash(8),
    logIndex: 2,
  };
}

const position = { blockNumber: 7n, blockHash: hash(7), transactionHash: hash(8), logIndex: 2 };

describe("decodeLog", () => {
  const { id, request, input } = openedRequest(5);
  const opened = (changes: object = {}, data?: Hex) =>
    log(
      contracts.oracle,
      inferenceOracleAbi,
      "RequestOpened",
      { requestId: id, modelId: request.modelId, consumer: address(9), request, input, ...changes },
      data,
    );

  it("decoded: a request that hashes to its id", () => {
    expect(decodeLog(contracts, opened())).toEqual({
      type: "RequestOpened",
      requestId: id,
      request,
      input,
      position,
    });
  });

  const proposal = {
    outputHash: keccak256("0x1234"),
    signers: 1n << 224n,
    submitterId: 1,
    proposedAt: 1_800_000_000,
    gasOwed: 5n,
  };
  const proposed = (output: Hex) =>
    log(contracts.oracle, inferenceOracleAbi, "OutputProposed", { requestId: id, proposal, output });

  it("decoded: a proposal with the output that it names", () => {
    expect(decodeLog(contracts, proposed("0x1234"))).toEqual({
      type: "OutputProposed",
      requestId: id,
      proposal,
      output: "0x1234",
      position,
    });
  });

  it("malformed, not thrown: a proposal with another output", () => {
    expect(decodeLog(contracts, proposed("0x12"))).toMatchObject({
      type: "Malformed",
      eventName: "OutputProposed",
      reason: "the output does not hash to the proposal's",
    });
  });

  const arbiter = { index: 1, address: address(4), bondWei: 1n, verdictSeconds: 60 };
  const arbiterAt = (at: Address) => (at === arbiter.address ? arbiter : undefined);
  const dispute = { proposal, challenger: address(5), challengedBlock: 7, challengedAt: 1_800_000_001 };
  const about = { disputeId: disputeId(arbiter.address, id, dispute), requestId: id };
  const challenged = (changes: object = {}) =>
    log(arbiter.address, juryArbiterAbi, "ProposalChallenged", {
      ...about,
      challenger: dispute.challenger,
      dispute,
      ...changes,
    });

  it("decoded: what a listed jury says about a dispute", () => {
    const jurors = (3n << 224n) | (4n << 192n);
    const say = (eventName: string, args: object) =>
      decodeLog(contracts, log(arbiter.address, juryArbiterAbi, eventName, { ...about, ...args }), arbiterAt);
    expect(decodeLog(contracts, challenged(), arbiterAt)).toEqual({
      type: "ProposalChallenged",
      ...about,
      dispute,
      arbiter,
      position,
    });
    expect(say("ProposalUpheld", { jurors })).toMatchObject({ type: "ProposalUpheld", jurors: [3, 4] });
    expect(say("ProposalOverturned", { jurors, outputHash: hash(1) })).toMatchObject({
      type: "ProposalOverturned",
      jurors: [3, 4],
      outputHash: hash(1),
    });
    expect(say("DisputeLapsed", {})).toEqual({ type: "DisputeLapsed", ...about, position });
  });

  it("nobody's: a dispute of an arbiter that is not listed", () => {
    expect(decodeLog(contracts, challenged())).toBeNull();
    expect(decodeLog(contracts, { ...challenged(), address: address(6) }, arbiterAt)).toBeNull();
  });

  it.each([
    ["another id", challenged({ disputeId: hash(1) }), "the dispute does not hash to its id"],
    [
      "another challenger",
      challenged({ challenger: address(8) }),
      "the indexed challenger is not the dispute's",
    ],
    ["another block", { ...challenged(), blockNumber: 8n }, "the dispute is of another block"],
  ])("malformed, not thrown: a dispute with %s", (_, raw, reason) => {
    expect(decodeLog(contracts, raw, arbiterAt)).toMatchObject({ type: "Malformed", reason });
  });

  it.each([
    ["another id", opened({ requestId: hash(1) }), "the request does not hash to its id"],
    ["another input", opened({ input: "0x1234" }), "the input does not hash to the request's inputHash"],
    ["another indexed model", opened({ modelId: hash(2) }), "the indexed modelId is not the request's"],
    ["cut data", opened({}, "0x1234"), /./],
    ["no indexed topics", { ...opened(), topics: opened().topics.slice(0, 1) }, /./],
  ])("malformed, not thrown: a request with %s", (_, raw, reason) => {
    const event = decodeLog(contracts, raw);
    expect(event).toMatchObject({
      type: "Malformed",
      eventName: "RequestOpened",
      address: contracts.oracle,
      position,
    });
    if (event?.type !== "Malformed") throw new Error("unreachable");
    expect(event.reason).toMatch(reason);
  });

  it("null: an event of a contract that is not ours, or of ours by another contract", () => {
    expect(decodeLog(contracts, { ...opened(), address: address(77) })).toBeNull();
    expect(decodeLog(contracts, { ...opened(), address: contracts.modelRegistry })).toBeNull();
    expect(decodeLog(contracts, { ...opened(), topics: [hash(3)] })).toBeNull();
  });

  it("decoded: signers, first one highest, empty places dropped", () => {
    const signers = (7n << 224n) | (9n << 192n) | (4_000_000_000n << 160n);
    const event = decodeLog(
      contracts,
      log(contracts.oracle, inferenceOracleAbi, "RequestSettled", {
        requestId: id,
        signers,
        gasPaid: 3n,
        output: "0xab",
      }),
    );
    expect(event).toEqual({
      type: "RequestSettled",
      requestId: id,
      signers: [7, 9, 4_000_000_000],
      gasPaid: 3n,
      output: "0xab",
      position,
    });
  });

  it("decoded: a seat, unpacked, and a seat that was given up", () => {
    const attester = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
    const seat = { attester, weight: 12_345n, activeFrom: 1_800_000_000 } as const;
    const changed = (enrolment: bigint) =>
      decodeLog(
        contracts,
        log(contracts.operatorRegistry, operatorRegistryAbi, "EnrolmentChanged", {
          modelId: hash(4),
          operatorId: 6,
          enrolment,
          totalWeight: 1n,
        }),
      );
    expect(changed(packEnrolment(seat))).toEqual({
      type: "EnrolmentChanged",
      modelId: hash(4),
      operatorId: 6,
      ...seat,
      position,
    });
    expect(changed(0n)).toMatchObject({ weight: 0n, activeFrom: 0 });
  });

  it("decoded: the registries' other events", () => {
    const owner = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
    const attester = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC";
    const operators = (name: string, args: Record<string, unknown>) =>
      decodeLog(
        contracts,
        log(contracts.operatorRegistry, operatorRegistryAbi, name, { operatorId: 3, ...args }),
      );
    const models = (name: string, args: Record<string, unknown>) =>
      decodeLog(
        contracts,
        log(contracts.modelRegistry, modelRegistryAbi, name, { modelId: hash(4), ...args }),
      );
    expect(operators("OperatorRegistered", { owner, attester, endpoint: "/ip4/127.0.0.1" })).toEqual({
      type: "OperatorRegistered",
      operatorId: 3,
      owner,
      attester,
      endpoint: "/ip4/127.0.0.1",
      position,
    });
    expect(operators("AttesterRotated", { attester })).toMatchObject({ type: "AttesterRotated", attester });
    expect(operators("EndpointChanged", { endpoint: "/dns" })).toMatchObject({ endpoint: "/dns" });
    expect(
      models("ModelPublished", { publisher: owner, manifestURI: "file:x", terms: 1n, profile: 7n }),
    ).toEqual({
      type: "ModelPublished",
      modelId: hash(4),
      publisher: owner,
      manifestURI: "file:x",
      profile: 7n,
      position,
    });
    expect(models("ManifestURIChanged", { manifestURI: "file:y" })).toMatchObject({ manifestURI: "file:y" });
  });
});
