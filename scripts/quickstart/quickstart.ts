import { z } from "zod";
import { deployMessageBoard } from "../network/deployMessageBoard.ts";
import { type Network, startNetwork } from "../network/startNetwork.ts";
import type { Teardown } from "../network/teardown.ts";
import { ensureRedis, startRedis } from "../services/redis.ts";
import { claimRefund } from "./claimRefund.ts";
import { runMessages } from "./messageRun.ts";
import { writeNetworkFile } from "./networkFile.ts";
import type { QuickstartOptions } from "./options.ts";
import { nextSteps, reportLines } from "./report.ts";
import { readSamples } from "./samples.ts";
import { isComplete, type Summary, summarize } from "./summary.ts";
import type { View } from "./view.ts";
import { grouped } from "./wording.ts";

/** Seconds that a message may wait for its answer. */
const LIFETIME_SECONDS = 60;
/** On a machine that keeps up, one is asked with every block. */
const MAX_OPEN = 2;
/** When too few operators are left, nobody wants to wait a minute to see the refund. */
const DOOMED_LIFETIME_SECONDS = 15;

export interface QuickstartResult {
  summary: Summary;
  /** Every message was settled by a quorum and every callback landed. */
  complete: boolean;
}

/** The whole story: a network, messages through the example contract, what came of them. */
export async function quickstart(
  options: QuickstartOptions,
  view: View,
  write: (line: string) => void,
  teardown: Teardown,
  onNetwork: (network: Network) => void,
): Promise<QuickstartResult> {
  const queueUrl = options.queue === "redis" ? await redis(teardown, view) : undefined;
  const network = await startNetwork({
    teardown,
    operators: options.operators,
    onStep: (step) => view.step(step),
    ...(queueUrl === undefined ? {} : { queueUrl }),
  });
  onNetwork(network);
  const { operators, quorum } = options;
  const doomed = operators - options.kill < quorum;
  const lifetimeSeconds = doomed ? DOOMED_LIFETIME_SECONDS : LIFETIME_SECONDS;
  const policy = { committeeSize: Math.max(quorum, Math.min(3, operators)), quorum, lifetimeSeconds };
  const { client, artifacts, protocol, model } = network;
  const board = await deployMessageBoard(client, artifacts, protocol.oracle, model.modelId, policy);
  if (!options.once) {
    const file = writeNetworkFile(network, board);
    teardown.add("network file", () => file.remove());
  }

  const victims = network.operators.slice(operators - options.kill);
  for (const victim of victims) {
    view.step(`killing ${victim.name}`);
    await victim.kill();
  }
  if (doomed) {
    view.step(
      `${operators - options.kill} operators left for a quorum of ${quorum}: messages will expire after ${lifetimeSeconds} s`,
    );
  }
  const samples = readSamples(model.folder).slice(0, options.messages);
  view.step(
    `sending ${samples.length} messages to the board at ${board}; ${quorum} of ${policy.committeeSize} operators must agree`,
  );
  const messages = await runMessages({
    network,
    board,
    samples,
    maxOpen: doomed ? samples.length : MAX_OPEN,
    onChange: (message) => view.show(message),
  });
  view.end();

  const summary = summarize(messages);
  const wanted = { messages: samples.length, quorum };
  write("");
  for (const line of reportLines(summary, messages, {
    ...wanted,
    accuracy: accuracyOf(model.manifest.metrics),
  }))
    write(line);
  if (summary.expired > 0) {
    const claimed = await claimRefund(network, board);
    const expiredPaid = messages.reduce(
      (sum, { expiry, opening }) => sum + (expiry === null ? 0n : (opening?.paidWei ?? 0n)),
      0n,
    );
    write(`The author paid ${grouped(expiredPaid)} wei for them and got ${grouped(claimed)} wei back.`);
  }
  if (!options.once) for (const line of ["", ...nextSteps(network, messages)]) write(line);
  return { summary, complete: isComplete(summary, wanted) };
}

async function redis(teardown: Teardown, view: View): Promise<string> {
  view.step("starting Redis");
  const installation = await ensureRedis();
  if ("unavailable" in installation) throw new Error(installation.unavailable);
  const server = await startRedis(installation);
  teardown.add("Redis", () => server.stop());
  return server.url;
}

const metricsSchema = z.object({ heldOutUpTo600Characters: z.object({ accuracy: z.number() }) });

function accuracyOf(metrics: unknown): number | null {
  const parsed = metricsSchema.safeParse(metrics);
  return parsed.success ? parsed.data.heldOutUpTo600Characters.accuracy : null;
}
