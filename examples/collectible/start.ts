import { runExample } from "../../scripts/example/runExample.ts";
import { collectible } from "./example.ts";

process.exit(await runExample(collectible, process.argv.slice(2)));
