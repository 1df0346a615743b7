import { expect, test } from "vitest";
import { patiently } from "../../../coprocessor/compose/patiently.ts";
import { CoprocessorError } from "../../../coprocessor/core/errors.ts";
import { collectedLog } from "../collectedLog.ts";

const error = (retry: "never" | "backoff") =>
  new CoprocessorError("no answer", { code: "rpc/unreachable", retry });

test("patiently: what another try may cure is tried again, and each failure is told", async () => {
  const log = collectedLog();
  let tries = 0;
  const value = await patiently(log, "the answer", async () => {
    tries += 1;
    if (tries < 3) throw error("backoff");
    return 42;
  });
  expect(value).toBe(42);
  expect(log.codes()).toEqual(["rpc/unreachable", "rpc/unreachable"]);
});

test("patiently: what no try can cure ends at once", async () => {
  let tries = 0;
  const work = async () => {
    tries += 1;
    throw error("never");
  };
  await expect(patiently(collectedLog(), "the answer", work)).rejects.toMatchObject({ retry: "never" });
  expect(tries).toBe(1);
});
