/** A process that is stuck in a job; says so on stdout. Started by `isolation.test.ts`, which kills it. */
import { encodeInput, parseWad } from "@sibyl/sdk";
import { createOnnxEngine } from "../../../coprocessor/inference/onnxEngine.ts";
import { collectedLog } from "../collectedLog.ts";
import { fixture, numbersToNumbers } from "./fixtureModel.ts";

const one = encodeInput("vector", [parseWad("1")]);
const engine = createOnnxEngine({ threads: 1, log: collectedLog() });
await engine.run(fixture("affine", numbersToNumbers), one, { timeoutMs: 60_000 });
const endless = engine.run(fixture("endless", numbersToNumbers), one, { timeoutMs: 600_000 });
process.stdout.write("computing\n");
await endless;
