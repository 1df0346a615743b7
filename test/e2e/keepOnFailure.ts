import { afterEach } from "vitest";
import type { Network } from "../../scripts/network/startNetwork.ts";

/** Keeps a network's logs and data when a test on it failed, and says where. */
export function keepOnFailure(network: () => Network | undefined): void {
  afterEach(({ task }) => {
    if (task.result?.state !== "fail") return;
    const failed = network();
    if (failed === undefined) return;
    failed.keepFolder();
    console.error(`Logs and data of "${task.name}" are kept in ${failed.folder}`);
  });
}
