import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

export const ROOT = join(import.meta.dirname, "..", "..");

/** A command that a page tells its reader to run. */
export interface DocumentedCommand {
  /** From the repository's root. */
  page: string;
  /** One line as it stands there, without its comment. */
  command: string;
}

/**
 * What is done about a documented command:
 * - `here`: `test/e2e/docs.test.ts` runs it as it stands, its placeholders filled in;
 * - `by`: another test runs it or what it starts; that file contains `proof`;
 * - `not`: nothing runs it, for that reason; that what it names exists is checked all the same.
 */
export type Treatment = { here: true } | { by: string; proof: string } | { not: string };

const HERE = { here: true } as const;
const TUTORIAL = "test/e2e/tutorial.test.ts";
const SUITE = { not: "a suite of its own, which `npm test` in continuous integration runs" };
const PAGE = { not: "its page's own test starts the same network and page, by `startExample`" };
const CHALLENGE = "test/e2e/challenge.test.ts";
const EVIDENCE = { by: "test/e2e/evidence.test.ts", proof: '[COMMAND, "evidence"' };
const LIFECYCLE = "test/e2e/lifecycle.test.ts";
const OBSERVABILITY = "test/e2e/observability.test.ts";
/** Its operators register URLs and are started with the transport; the proxy's TLS is not ours. */
const OVER_HTTP = { by: "test/e2e/httpPeers.test.ts", proof: 'transport: "http"' };
const FLEET = { not: "needs a Redis with these users; test/e2e/fleet.test.ts runs both on one of its own" };

/** Every command of the documentation. One that is missing here fails a test, and so does one that is in no page. */
export const TREATMENTS: Readonly<Record<string, Treatment>> = {
  "npm run quickstart": HERE,
  'npm run ask -- "Free money, click here"': HERE,
  'RPC_URL=… BOARD_ADDRESS=… PRIVATE_KEY=… npm run ask -- "…"': HERE,

  "npm test": { by: ".ci/run", proof: "npm run --silent test" },
  "npm run check": { by: ".ci/run", proof: "npm run --silent check" },
  "npm run example -- lending": { by: "test/e2e/example.test.ts", proof: 'example("lending", "--once")' },
  "npm run example -- collectible": PAGE,
  "npm run example -- message-board": PAGE,
  "npm test -- contracts Collectible": SUITE,
  "npm test -- contracts Lending": SUITE,
  "npm test -- contracts MessageBoard": SUITE,
  "npm test -- e2e collectible": SUITE,
  "npm test -- e2e lending": SUITE,
  "npm test -- e2e message-board": SUITE,

  "npm run pack": { by: TUTORIAL, proof: 'blockWith("npm run pack")' },
  "forge init guestbook && cd guestbook": { by: TUTORIAL, proof: 'blockWith("forge init")' },
  'npm install --save-dev "$SIBYL/dist/sibyl-contracts-0.1.0.tgz"': {
    by: TUTORIAL,
    proof: 'blockWith("forge init")',
  },
  "echo '@sibyl/contracts/=node_modules/@sibyl/contracts/' >> remappings.txt": {
    by: TUTORIAL,
    proof: 'blockWith("forge init")',
  },
  "forge test": { by: TUTORIAL, proof: 'blockWith("forge test\\n")' },
  'mkdir -p node_modules/.bin && ln -s "$SIBYL/coprocessor/bin/sibyl.js" node_modules/.bin/sibyl': {
    by: TUTORIAL,
    proof: 'blockWith("ln -s")',
  },
  "REAL_MODEL=true forge test --ffi --match-contract RealModel": {
    by: TUTORIAL,
    proof: 'blockWith("--ffi")',
  },
  'npm install --save-dev "$SIBYL/dist/sibyl-sdk-0.1.0.tgz" viem@2.57.20': {
    by: TUTORIAL,
    proof: 'blockWith("viem@")',
  },
  'node sign.mjs "$SIBYL"/.sibyl/network-*.json': { by: TUTORIAL, proof: 'blockWith("node sign.mjs")' },
  "npm init -y && npm pkg set type=module": { by: TUTORIAL, proof: 'blockWith("hardhat@")' },
  'npm install --save-dev hardhat@3.18.0 "$SIBYL/dist/sibyl-contracts-0.1.0.tgz" github:foundry-rs/forge-std#v1.9.7':
    { by: TUTORIAL, proof: 'blockWith("hardhat@")' },
  "npx hardhat test solidity": { by: TUTORIAL, proof: 'blockWith("npx hardhat")' },

  "export RPC_URL=https://… ORACLE_ADDRESS=0x… ATTESTER_KEY=0x…": HERE,
  "OWNER_KEY=0x… node coprocessor/bin/sibyl.js register --stake 1 --endpoint /ip4/203.0.113.7/tcp/4001 --fund 0.1":
    HERE,
  "OWNER_KEY=0x… node coprocessor/bin/sibyl.js enroll 0x<modelId>": HERE,
  "node coprocessor/bin/sibyl.js node": HERE,
  "ATTESTER_PASSWORD_FILE=password.txt node coprocessor/bin/sibyl.js key create attester.json": HERE,
  "ATTESTER_KEYSTORE=attester.json ATTESTER_PASSWORD_FILE=password.txt node coprocessor/bin/sibyl.js key address":
    HERE,
  "ATTESTER_SIGNER_URL=http://127.0.0.1:9000 ATTESTER_ADDRESS=0x… node coprocessor/bin/sibyl.js node": {
    not: "needs a web3signer, of which no package is reachable; test/coprocessor/keys/web3signer.test.ts speaks its protocol",
  },
  "OWNER_KEY=0x… node coprocessor/bin/sibyl.js register --stake 1 --endpoint https://operator.example --fund 0.1":
    OVER_HTTP,
  "P2P_TRANSPORT=http P2P_LISTEN=127.0.0.1:4001 P2P_ANNOUNCE=https://operator.example node coprocessor/bin/sibyl.js node":
    OVER_HTTP,
  "WORKER=none QUEUE_URL=redis://node:password@queue.internal QUEUE_SECRET=... node coprocessor/bin/sibyl.js node":
    FLEET,
  "QUEUE_NAMESPACE=1-7 QUEUE_URL=redis://worker:password@queue.internal QUEUE_SECRET=... node coprocessor/bin/sibyl.js worker":
    FLEET,
  "STANDBY=1 DATABASE_URL=postgres://… QUEUE_URL=redis://… node coprocessor/bin/sibyl.js node": {
    by: "test/e2e/standbyPair.ts",
    proof: 'STANDBY: "1"',
  },
  "node coprocessor/bin/sibyl.js node --config operator.env": {
    by: LIFECYCLE,
    proof: 'run(["node", "--config", configFile()])',
  },
  "node coprocessor/bin/sibyl.js rebuild": {
    by: LIFECYCLE,
    proof: 'run(["rebuild", "--config", configFile()])',
  },
  "node coprocessor/bin/sibyl.js rebuild --yes": {
    by: LIFECYCLE,
    proof: 'run(["rebuild", "--config", configFile(), "--yes"])',
  },
  "OWNER_KEY=0x… node coprocessor/bin/sibyl.js withdraw --to 0x…": {
    by: CHALLENGE,
    proof: "withdraw({ OWNER_KEY",
  },
  "ATTESTER_KEY=0x… node coprocessor/bin/sibyl.js withdraw --to 0x…": {
    by: CHALLENGE,
    proof: "withdraw({ ATTESTER_KEY",
  },
  "ATTESTER_KEY=0x… DATA_DIR=.sibyl-watch STATUS_LISTEN=127.0.0.1:4003 node coprocessor/bin/sibyl.js watch": {
    by: CHALLENGE,
    proof: 'command: "watch"',
  },
  "node coprocessor/bin/sibyl.js status 0x<requestId> --url http://127.0.0.1:4003": {
    not: "asks a watcher what the command without --url asks a node; both are tested by themselves",
  },
  "node coprocessor/bin/sibyl.js evidence": EVIDENCE,
  "node coprocessor/bin/sibyl.js evidence 0x<id> > proof.json": EVIDENCE,
  "node coprocessor/bin/sibyl.js evidence proof.json --verify": EVIDENCE,
  "node coprocessor/bin/sibyl.js queue": { by: OBSERVABILITY, proof: "expect(await queueCommand()).toMatch" },
  "node coprocessor/bin/sibyl.js queue retry 0x<requestId>": {
    by: OBSERVABILITY,
    proof: 'queueCommand("retry", waited.requestId',
  },
  "node coprocessor/bin/sibyl.js queue drop 0x<requestId>": {
    by: OBSERVABILITY,
    proof: 'queueCommand("drop", waited.requestId',
  },
  "node coprocessor/bin/sibyl.js status": HERE,
  "node coprocessor/bin/sibyl.js status 0x<requestId>": HERE,
  "node coprocessor/bin/sibyl.js receipts": HERE,
  "node coprocessor/bin/sibyl.js receipts 0x<requestId> > receipt.json": HERE,
  "node coprocessor/bin/sibyl.js verify receipt.json": HERE,
  "node coprocessor/bin/sibyl.js model lint models/iris": HERE,
  "node coprocessor/bin/sibyl.js model calibrate models/iris": HERE,

  "apt-get install -y python3-sklearn python3-onnx": { not: "600 MB of Debian packages, for training only" },
  "scripts/train/spam-text.sh": { not: "trains for minutes, with what the line above installs" },
  "git diff --stat models/spam-text": { not: "says something only after training" },
};

/** The pages that a reader may take commands from. */
export function pages(): string[] {
  const below = (folder: string, depth: number): string[] =>
    readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory())
        return depth > 0 && entry.name !== "node_modules" ? below(path, depth - 1) : [];
      return entry.name.endsWith(".md") ? [path] : [];
    });
  return [
    "README.md",
    "CONTRIBUTING.md",
    ...below("docs", 5),
    ...["contracts", "sdk", "coprocessor"].flatMap((folder) => below(folder, 0)),
    ...["examples", "models", "scripts"].flatMap((folder) => below(folder, 2)),
  ].map((path) => relative(ROOT, join(ROOT, path)));
}

/** Blocks of code of a page, with what stands beside the fence. */
export function blocks(page: string): { info: string; text: string }[] {
  const text = readFileSync(join(ROOT, page), "utf8");
  return [...text.matchAll(/^```([^\n]*)\n([\s\S]*?)^```$/gm)].map(([, info = "", block = ""]) => ({
    info,
    text: block,
  }));
}

/** Every line of every `sh` block, in the order of the pages. */
export function documentedCommands(): DocumentedCommand[] {
  return pages().flatMap((page) =>
    blocks(page)
      .filter(({ info }) => info === "sh")
      .flatMap(({ text }) => text.split("\n"))
      .map((line) => line.replace(/\s+#\s.*$/, "").trim())
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((command) => ({ page, command })),
  );
}
