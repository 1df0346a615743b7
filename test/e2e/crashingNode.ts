import { readConfig } from "../../coprocessor/config.ts";
import { startCoprocessor } from "../../coprocessor/main.ts";
import { crashAt } from "./crashPoints.ts";

// An operator's node as `sibyl node` starts it, with crash points in its ports.
const wrap = crashAt(process.env.CRASH_FOLDER ?? "");
const coprocessor = await startCoprocessor(readConfig(process.env), { wrap });
process.once("SIGTERM", () => void coprocessor.stop().then(() => process.exit(0)));
coprocessor.failed.catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
