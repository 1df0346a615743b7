import { runExample } from "../../scripts/example/runExample.ts";
import { lending } from "./example.ts";

process.exit(await runExample(lending, process.argv.slice(2)));
