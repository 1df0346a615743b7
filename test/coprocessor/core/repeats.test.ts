import { expect, test } from "vitest";
import { addsNothing, worthPassingOn, worthRepeating } from "../../../coprocessor/core/repeats.ts";
import { commit, oneOfEach } from "../peers/samples.ts";

const [, reveal, proposal, attestation] = oneOfEach();

test("repeats: a commitment is said again until the reveal carries it", () => {
  const [own, others] = [commit(1, 2), commit(1, 9)];
  expect(worthRepeating([])).toEqual([]);
  expect(worthRepeating([own])).toEqual([own]);
  if (reveal === undefined || proposal === undefined || attestation === undefined) throw new Error("samples");
  expect(worthRepeating([own, reveal, proposal, attestation])).toEqual([reveal, proposal, attestation]);
  // The reveal carries the commitments of operators 1 to 3.
  expect(worthRepeating([others, reveal])).toEqual([others, reveal]);
});

test("passed on: others' reveals with their commitments, and commitments of whoever has not revealed", () => {
  if (reveal?.kind !== "reveal" || proposal === undefined || attestation === undefined)
    throw new Error("samples");
  const [own, second, unopened] = [commit(1, 2), commit(2, 2), commit(1, 3)];
  const bare = { ...reveal, commits: [] };
  const heard = [unopened, own, bare, second, proposal, attestation];
  expect(worthPassingOn(4, heard)).toEqual([unopened, { ...reveal, commits: [own, second] }]);
  expect(worthPassingOn(3, heard)).toEqual([{ ...reveal, commits: [own, second] }]);
  expect(worthPassingOn(2, heard)).toEqual([unopened]);
});

test("adds nothing: a reveal whose opening and whose commitments were heard, in whatever list they come", () => {
  if (reveal?.kind !== "reveal") throw new Error("samples");
  const heard = [...reveal.commits, reveal];
  expect(addsNothing(reveal, heard)).toBe(true);
  expect(addsNothing({ ...reveal, commits: reveal.commits.slice(1) }, heard)).toBe(true);
  expect(addsNothing({ ...reveal, commits: [...reveal.commits, commit(2, 3)] }, heard)).toBe(false);
  expect(addsNothing({ ...reveal, output: "0x00" }, heard)).toBe(false);
  expect(addsNothing({ ...reveal, salt: reveal.output }, heard)).toBe(false);
  expect(addsNothing({ ...reveal, operatorId: 1 }, heard)).toBe(false);
  expect(addsNothing(reveal, reveal.commits)).toBe(false);
});
