import { describe, expect, test } from "vitest";
import { PayloadSeal } from "../../../coprocessor/queue/payloadSeal.ts";
import { RUNTIME } from "../store/fixtures.ts";
import { job } from "./fixtures.ts";

const SECRET = "a secret of at least thirty-two characters";
const outcome = { status: "done", output: "0x01", runtime: RUNTIME, loadMs: 0, runMs: 1.5 } as const;
const badSeal = expect.objectContaining({ code: "queue/bad-seal", retry: "never" });

describe("sealed payloads", () => {
  const seal = new PayloadSeal(SECRET);
  const one = job("a", { deadlineMs: 1 });

  test("what was sealed with the same secret is believed, also after a way through JSON", () => {
    const sealedJob = JSON.parse(JSON.stringify(seal.sealJob(one)));
    const sealedOutcome = JSON.parse(JSON.stringify(seal.sealOutcome(one, outcome)));
    seal.checkJob(sealedJob, sealedJob);
    seal.checkOutcome(one, sealedOutcome, sealedOutcome);
  });

  test("a job that was altered, or never sealed, is refused", () => {
    const sealed = seal.sealJob(one);
    for (const patch of [{ input: "0x01" }, { deadlineMs: 2 }, { manifestURI: "file:///other" }] as const)
      expect(() => seal.checkJob({ ...one, ...patch }, sealed)).toThrow(badSeal);
    expect(() => seal.checkJob(one, {})).toThrow("has no seal");
    expect(() => seal.checkJob(one, { seal: "not hex" })).toThrow(badSeal);
  });

  test("an outcome that was altered, or belongs to another job, is refused", () => {
    const sealed = seal.sealOutcome(one, outcome);
    expect(() => seal.checkOutcome(one, { ...outcome, output: "0x02" }, sealed)).toThrow(badSeal);
    const otherRuntime = { ...outcome, runtime: { ...RUNTIME, batch: RUNTIME.batch + 1 } };
    expect(() => seal.checkOutcome(one, otherRuntime, sealed)).toThrow(badSeal);
    const named = seal.sealOutcome(one, { ...outcome, worker: "a" });
    seal.checkOutcome(one, named, named);
    for (const worker of ["b", undefined])
      expect(() => seal.checkOutcome(one, { ...outcome, worker }, named)).toThrow(badSeal);
    expect(() => seal.checkOutcome(job("b", { deadlineMs: 1 }), outcome, sealed)).toThrow(badSeal);
    expect(() => new PayloadSeal("another secret").checkOutcome(one, outcome, sealed)).toThrow(badSeal);
  });

  test("without a secret nothing is sealed and nothing is checked", () => {
    const open = new PayloadSeal(null);
    expect(open.sealJob(one)).toEqual(one);
    expect(open.sealOutcome(one, outcome)).toEqual(outcome);
    open.checkJob(one, {});
    open.checkOutcome(one, outcome, {});
  });
});
