import { expect, test } from "vitest";
import { worthRepeating } from "../../../coprocessor/core/repeats.ts";
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
