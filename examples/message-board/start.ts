import { runExample } from "../../scripts/example/runExample.ts";
import { messageBoard } from "./example.ts";

process.exit(await runExample(messageBoard, process.argv.slice(2)));
