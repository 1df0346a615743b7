import { createRequire } from "node:module";
import { parentPort } from "node:worker_threads";

const compiler = createRequire(import.meta.url)("solc");

// Standard JSON in, standard JSON out, both as text.
parentPort?.on("message", (input) => parentPort?.postMessage(compiler.compile(input)));
