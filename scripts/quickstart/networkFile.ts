import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Address } from "viem";
import { asker, privateKeyOf } from "../network/devAccounts.ts";
import type { Network } from "../network/startNetwork.ts";

const FOLDER = join(import.meta.dirname, "..", "..", ".sibyl");

/** Tells other commands (`npm run ask`) where a running local network is; `remove` once it stops. */
export function writeNetworkFile(network: Network, board: Address): { path: string; remove(): void } {
  mkdirSync(FOLDER, { recursive: true });
  removeLeftovers();
  const path = join(FOLDER, `network-${process.pid}.json`);
  const content = {
    pid: process.pid,
    rpcUrl: network.client.rpcUrl,
    oracle: network.protocol.oracle,
    modelRegistry: network.protocol.modelRegistry,
    operatorRegistry: network.protocol.operatorRegistry,
    modelId: network.model.modelId,
    board,
    // One of anvil's public development accounts.
    privateKey: privateKeyOf(asker()),
    operators: network.operators.map(({ operatorId, process }) => ({
      operatorId,
      statusUrl: process?.statusUrl ?? null,
    })),
  };
  writeFileSync(path, `${JSON.stringify(content, null, 2)}\n`);
  return { path, remove: () => rmSync(path, { force: true }) };
}

/** A network that was killed could not remove its file. */
function removeLeftovers(): void {
  for (const name of readdirSync(FOLDER)) {
    const pid = /^network-(\d+)\.json$/.exec(name)?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) rmSync(join(FOLDER, name), { force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
