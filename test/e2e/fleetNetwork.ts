import { join } from "node:path";
import type { Operator } from "../../scripts/network/operator.ts";
import { type Network, startNetwork } from "../../scripts/network/startNetwork.ts";
import type { Teardown } from "../../scripts/network/teardown.ts";
import { startWorkerProcess, type WorkerProcess } from "../../scripts/network/workerProcess.ts";
import { ensureRedis, startRedis } from "../../scripts/services/redis.ts";

const redis = await ensureRedis();

/** Why there can be no fleet here; null when there can. */
export const unavailable: string | null = "unavailable" in redis ? redis.unavailable : null;

/** A network of one operator whose node runs no models, and a queue that workers may share with it. */
export interface FleetNetwork {
  network: Network;
  node: Operator;
  queueUrl: string;
  /** Of the operator's queue. */
  namespace: string;
  /**
   * Starts a worker that knows nothing but the queue: no key, no chain, no model but those that jobs name.
   *
   * @param env Beside what it needs, or instead of that.
   */
  startWorker(env?: Record<string, string>): Promise<WorkerProcess>;
}

/** @param env Of the node. */
export async function startFleetNetwork(
  teardown: Teardown,
  env: Record<string, string>,
): Promise<FleetNetwork> {
  if ("unavailable" in redis) throw new Error(redis.unavailable);
  const server = await startRedis(redis);
  teardown.add("Redis", () => server.stop());
  const queueUrl = server.url;
  const network = await startNetwork({
    teardown,
    queueUrl,
    operators: 1,
    env: { WORKER: "none", ...env },
  });
  const [node] = network.operators;
  if (node === undefined) throw new Error("one operator expected");
  const namespace = `${network.client.chain.id}-${node.operatorId}`;
  let count = 0;
  return {
    network,
    node,
    queueUrl,
    namespace,
    startWorker(more = {}) {
      count += 1;
      const folder = join(network.folder, `worker-${count}`);
      const own = {
        QUEUE_URL: queueUrl,
        QUEUE_NAMESPACE: namespace,
        DATA_DIR: join(folder, "data"),
        MODEL_FOLDERS: join(folder, "models"),
        MODEL_PRIVATE_HOSTS: "allow",
        INFERENCE_THREADS: "1",
        ...more,
      };
      return startWorkerProcess({ name: `worker ${count}`, folder, env: own, teardown });
    },
  };
}
