import pc from "picocolors";
import type { Network } from "../network/startNetwork.ts";
import type { MessageProgress } from "./messageProgress.ts";
import { isComplete, type Summary } from "./summary.ts";
import { grouped, percent, seconds } from "./wording.ts";

/** What came of it, in a few lines. */
export function reportLines(
  summary: Summary,
  messages: readonly MessageProgress[],
  wanted: { messages: number; quorum: number; accuracy: number | null },
): string[] {
  const { requests, settled, callbacks, attestationsMin, correct, expired } = summary;
  const lines = [
    isComplete(summary, wanted)
      ? pc.green(
          `${settled} of ${requests} settled, each with ${attestationsMin} attestations; ${callbacks} callbacks landed.`,
        )
      : pc.red(
          `${settled} of ${wanted.messages} settled; ${callbacks} callbacks landed; ${expired} expired.`,
        ),
  ];
  if (settled > 0) {
    const known =
      wanted.accuracy === null
        ? ""
        : ` (its accuracy on held-out messages of this length: ${percent(wanted.accuracy)})`;
    lines.push(
      `${correct} of ${settled} labels right${known}.`,
      `Request's block to callback, median: ${seconds(summary.requestToCallbackMsP50)} by block timestamps, ${seconds(summary.requestToCallbackWallMsP50)} by this machine's clock.`,
      `Gas of a settlement with its callback, median: ${grouped(summary.settlementGasP50 ?? 0)}.`,
    );
  }
  const reason = messages.find(({ expiry }) => expiry !== null)?.expiry?.reason;
  if (reason !== undefined) lines.push(`Why nobody answered: ${reason}.`);
  return lines;
}

/** What to do with the network while it runs; every line can be pasted. */
export function nextSteps(network: Network, messages: readonly MessageProgress[]): string[] {
  const operator = network.operators.find(({ process }) => process !== null);
  const url = operator?.process?.statusUrl;
  const requestId = messages.findLast(({ opening }) => opening !== null)?.opening?.requestId;
  const steps: [string, string][] = [["Ask with your own words", 'npm run ask -- "Free money, click here"']];
  if (operator !== undefined && url !== undefined) {
    steps.push([`How ${operator.name} is`, `curl -s ${url}/status`]);
    if (requestId !== undefined)
      steps.push(["Why a request stands where it stands", `curl -s ${url}/requests/${requestId}`]);
    steps.push(["What an operator logs", `tail -f ${operator.process?.logFile}`]);
  }
  return [
    `The network runs on ${network.client.rpcUrl} (chain ${network.client.chain.id}). Next:`,
    ...steps.map(([what, command]) => `  ${pc.dim(`${what}:`)}\n    ${pc.cyan(command)}`),
    "Ctrl-C stops everything.",
  ];
}
