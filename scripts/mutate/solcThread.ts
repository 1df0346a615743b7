import { Worker } from "node:worker_threads";

/** The part of solc's standard JSON output that is read here. */
export interface CompilerOutput {
  errors?: { severity: string; formattedMessage: string }[];
  sources: Record<string, { ast: unknown }>;
  contracts: Record<string, Record<string, CompiledContract>>;
}

export interface CompiledContract {
  evm?: {
    methodIdentifiers?: Record<string, string>;
    bytecode?: { object: string };
    deployedBytecode?: { object: string };
  };
}

/** By source ("*": all), then by contract: what is wanted, in solc's words. */
export type OutputSelection = Record<string, Record<string, string[]>>;

/** The source does not compile. */
export class CompilationError extends Error {}

/**
 * A thread that holds the compiler. Forge starts one for each build and lets the wasm warm up anew; here it stays, which
 * makes the second build twice as fast and leaves this thread to drive the tests.
 */
export class SolcThread {
  readonly #worker: Worker;
  readonly #settings: object;
  #last: Promise<unknown> = Promise.resolve();

  constructor(settings: object) {
    this.#settings = settings;
    this.#worker = new Worker(new URL("./solcWorker.mjs", import.meta.url));
    this.#worker.setMaxListeners(0);
  }

  /** Compiles one program. @throws CompilationError with the first of solc's errors. */
  compile(sources: ReadonlyMap<string, string>, wanted: OutputSelection): Promise<CompilerOutput> {
    const input = {
      language: "Solidity",
      sources: Object.fromEntries([...sources].map(([path, content]) => [path, { content }])),
      settings: { ...this.#settings, outputSelection: wanted },
    };
    // One after another: the answers carry no names.
    const answer = this.#last.then(() => this.#ask(JSON.stringify(input)));
    this.#last = answer.catch(() => {});
    return answer.then((text) => {
      const output = JSON.parse(text) as CompilerOutput;
      const error = output.errors?.find(({ severity }) => severity === "error");
      if (error !== undefined) throw new CompilationError(error.formattedMessage);
      return output;
    });
  }

  #ask(input: string): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#worker.once("message", resolve);
      this.#worker.once("error", reject);
      this.#worker.postMessage(input);
    });
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}
