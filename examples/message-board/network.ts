import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { isAddress, isHex } from "viem";

/** Where the board is, and who pays. */
export interface BoardNetwork {
  rpcUrl: string;
  board: `0x${string}`;
  privateKey: `0x${string}`;
}

/** Where `npm run quickstart` leaves the addresses of the network that it keeps running. */
const LOCAL_NETWORKS = join(import.meta.dirname, "..", "..", ".sibyl");

/**
 * The network that `RPC_URL`, `BOARD_ADDRESS` and `PRIVATE_KEY` name, else the latest local one that runs.
 *
 * @throws Error that says what is missing.
 */
export function readNetwork(variables: Record<string, string | undefined>): BoardNetwork {
  const { RPC_URL, BOARD_ADDRESS, PRIVATE_KEY } = variables;
  if (RPC_URL === undefined && BOARD_ADDRESS === undefined && PRIVATE_KEY === undefined)
    return latestLocalNetwork();
  const missing = Object.entries({ RPC_URL, BOARD_ADDRESS, PRIVATE_KEY }).filter(([, value]) => !value);
  if (missing.length > 0) throw new Error(`not set: ${missing.map(([name]) => name).join(", ")}`);
  if (!BOARD_ADDRESS || !isAddress(BOARD_ADDRESS, { strict: false }))
    throw new Error("BOARD_ADDRESS is no address");
  if (!PRIVATE_KEY || !isHex(PRIVATE_KEY) || PRIVATE_KEY.length !== 66)
    throw new Error("PRIVATE_KEY is no key");
  return { rpcUrl: RPC_URL as string, board: BOARD_ADDRESS, privateKey: PRIVATE_KEY };
}

function latestLocalNetwork(): BoardNetwork {
  const files = existsSync(LOCAL_NETWORKS)
    ? readdirSync(LOCAL_NETWORKS).filter((name) => /^network-\d+\.json$/.test(name))
    : [];
  const running = files
    .map((name) => join(LOCAL_NETWORKS, name))
    .map((path) => ({ ...JSON.parse(readFileSync(path, "utf8")), writtenAt: statSync(path).mtimeMs }))
    .filter(({ pid }) => isRunning(pid))
    .sort((one, other) => other.writtenAt - one.writtenAt);
  const latest = running[0];
  if (latest === undefined) {
    throw new Error(
      "no local network runs: start one in another terminal with `npm run quickstart`, " +
        "or set RPC_URL, BOARD_ADDRESS and PRIVATE_KEY",
    );
  }
  return latest;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
