import { z } from "zod";
import { CAPABILITY_PATTERN, DEFAULT_CAPABILITY } from "../core/capability.ts";
import { faultsOf, type HostAndPort, hostAndPort, invalid, list, withoutEmpty } from "./values.ts";
import { type WorkConfig, workConfigOf, workEnvironment } from "./workConfig.ts";

/** What a worker without a node is told: no chain, no key. */
export interface WorkerConfig extends WorkConfig {
  queueUrl: string;
  queueNamespace: string;
  /** Jobs that run at the same time, by capability; null is what the threads can hold, of the default capability. */
  queues: Readonly<Record<string, number>> | null;
  /** Where its health and metrics are asked for; null is nowhere. */
  status: HostAndPort | null;
}

const MAX_CONCURRENCY = 1_024;

const queues = list.transform((items, context) => {
  const entries = items.map((item) => item.split(":").map((part) => part.trim()));
  const wrong = entries.findIndex(
    ([capability = "", concurrency = "", ...rest]) =>
      !CAPABILITY_PATTERN.test(capability) ||
      !/^\d{1,4}$/.test(concurrency) ||
      Number(concurrency) < 1 ||
      Number(concurrency) > MAX_CONCURRENCY ||
      rest.length > 0,
  );
  if (wrong === -1)
    return Object.fromEntries(entries.map(([capability, concurrency]) => [capability, Number(concurrency)]));
  context.addIssue({
    code: "custom",
    message: `must be queue:jobs-at-a-time (1 to ${MAX_CONCURRENCY}), for example ${DEFAULT_CAPABILITY}:4, not ${items[wrong]}`,
  });
  return z.NEVER;
});

const environment = workEnvironment.extend({
  QUEUE_URL: workEnvironment.shape.QUEUE_URL.unwrap(),
  QUEUE_NAMESPACE: workEnvironment.shape.QUEUE_NAMESPACE.unwrap(),
  WORKER_QUEUES: queues.optional(),
  STATUS_LISTEN: hostAndPort.optional(),
});

/**
 * Reads a worker's configuration from environment variables.
 *
 * @throws CoprocessorError `config/invalid`, as `readConfig` does.
 */
export function readWorkerConfig(variables: Record<string, string | undefined>): WorkerConfig {
  const given = withoutEmpty(variables);
  const parsed = environment.safeParse(given);
  if (!parsed.success) throw invalid(faultsOf(parsed.error, given));
  const env = parsed.data;
  return {
    ...workConfigOf(env),
    queueUrl: env.QUEUE_URL,
    queueNamespace: env.QUEUE_NAMESPACE,
    queues: env.WORKER_QUEUES ?? null,
    status: env.STATUS_LISTEN ?? null,
  };
}
