import { Command } from "commander";
import { readControlToken } from "../compose/controlToken.ts";
import type { QueueView } from "../compose/queueStatus.ts";
import { askNode } from "./askNode.ts";
import { table } from "./table.ts";

interface ListOptions {
  limit: string;
  json?: true;
  url: string;
}

const URL_OPTION = ["--url <url>", "the node's status address", "http://127.0.0.1:4002"] as const;

export function queueCommand(): Command {
  return new Command("queue")
    .description(
      "Shows a running node's queues, the jobs in them, and the requests that it parked, with their reasons.",
    )
    .enablePositionalOptions()
    .option("--limit <count>", "how many jobs, and how many parked requests", "50")
    .option("--json", "print it as JSON")
    .option(...URL_OPTION)
    .action(async ({ limit, json, url }: ListOptions) => {
      const view = (await askNode(url, `/queue?limit=${encodeURIComponent(limit)}`)) as QueueView;
      console.log(json === true ? JSON.stringify(view, null, 2) : textOf(view, Date.now()));
    })
    .addCommand(
      change("retry", "Takes a parked request up again, once what kept the node from it is mended."),
    )
    .addCommand(
      change("drop", "Gives a request up that the node has said nothing about yet; others may answer it."),
    );
}

/** A command that changes something, on the node's own machine. */
function change(verb: "retry" | "drop", description: string): Command {
  return new Command(verb)
    .description(`${description} On the node's machine, as the user that can read its DATA_DIR.`)
    .argument("<requestId>", "the request's id")
    .option("--data-dir <folder>", "the node's DATA_DIR", process.env.DATA_DIR || ".sibyl")
    .option(...URL_OPTION)
    .action(async (requestId: string, { dataDir, url }: { dataDir: string; url: string }) => {
      const path = `/queue/${encodeURIComponent(requestId)}/${verb}`;
      console.log(JSON.stringify(await askNode(url, path, readControlToken(dataDir))));
    });
}

/** Three tables; what is empty says so. */
export function textOf({ queues, jobs, parked }: QueueView, now: number): string {
  return [
    table(
      ["queue", "active", "waiting", "delayed", "failed", "next waits"],
      queues.map(({ queue, active, waiting, delayed, failed, headAgeMs }) => [
        queue,
        ...[active, waiting, delayed, failed].map(String),
        headAgeMs === null ? "-" : seconds(headAgeMs),
      ]),
    ),
    jobs.length === 0
      ? "no jobs"
      : table(
          ["job", "queue", "state", "age", "left", "tries", "last failure"],
          jobs.map(({ requestId, key, queue, state, addedAt, deadlineMs, attempts, failure }) => [
            requestId ?? key,
            queue,
            state,
            seconds(now - addedAt),
            deadlineMs === null ? "?" : seconds(deadlineMs - now),
            String(attempts),
            failure ?? "-",
          ]),
        ),
    parked.length === 0
      ? "nothing parked"
      : table(
          ["parked", "left", "reason"],
          parked.map(({ requestId, deadline, inTime, reason }) => [
            requestId,
            inTime ? seconds(deadline * 1_000 - now) : "over",
            reason ?? "-",
          ]),
        ),
  ].join("\n\n");
}

const seconds = (ms: number): string => `${Math.round(ms / 1_000)} s`;
