import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { Command, Option } from "commander";
import { CoprocessorError } from "../core/errors.ts";
import { EVIDENCE_KINDS, type EvidenceProof } from "../core/evidence.ts";
import { parseProof } from "../core/proofSchema.ts";
import { askNode } from "./askNode.ts";
import { table } from "./table.ts";

interface EvidenceOptions {
  operator?: string;
  kind?: string;
  limit: string;
  json?: true;
  verify?: true;
  url: string;
}

/** What the node tells of a piece of evidence in a list. */
interface Row {
  id: string;
  foundAt: number;
  operatorId: number;
  kind: string;
  offence: string;
  requestId: string;
  fact: string;
  status: string;
  reason: string;
}

const COLUMNS = ["id", "found", "operator", "offence", "status", "reason"] as const;

export function evidenceCommand(): Command {
  return new Command("evidence")
    .description(
      "Lists what a running node holds against operators: equivocations, broken commitments, disagreements. With an id, " +
        "prints the whole proof as JSON, which anybody can check; with --verify, checks it here and says what it proves " +
        "and what can be done with it on chain. Exit status 2 when it does not hold.",
    )
    .argument("[proof]", "an evidence's id, or the path of a printed proof to verify; - reads standard input")
    .option("--operator <id>", "of this operator only")
    .addOption(new Option("--kind <kind>", "of this kind only").choices(EVIDENCE_KINDS))
    .option("--limit <count>", "how many of the latest", "50")
    .option("--json", "print the list as JSON")
    .option("--verify", "recover the signers and judge the proof, without the chain")
    .option("--url <url>", "the node's status address", "http://127.0.0.1:4002")
    .action(async (named: string | undefined, options: EvidenceOptions) => {
      if (named === undefined) return list(options);
      const proof = await find(named, options.url);
      if (options.verify === undefined) return print(proof);
      const { checkEvidence } = await import("../compose/checkEvidence.ts");
      const verdict = checkEvidence(proof);
      const { id, offence, operatorId, requestId } = proof;
      print({ id, offence, operatorId, requestId, ...verdict });
      if (!verdict.holds) process.exitCode = 2;
    });
}

async function list({ operator, kind, limit, json, url }: EvidenceOptions): Promise<void> {
  const query = new URLSearchParams({
    limit,
    ...(operator === undefined ? {} : { operator }),
    ...(kind === undefined ? {} : { kind }),
  });
  const rows = (await askNode(url, `/evidence?${query}`)) as Row[];
  if (json !== undefined) return print(rows);
  if (rows.length === 0) return console.log("no evidence");
  const cells = rows.map((row) => [
    row.id,
    new Date(row.foundAt).toISOString().slice(0, 19),
    row.operatorId === 0 ? "-" : String(row.operatorId),
    row.offence,
    row.status,
    row.reason,
  ]);
  console.log(table(COLUMNS, cells));
}

/** A proof from the node by its id, or from a file. */
async function find(named: string, url: string): Promise<EvidenceProof> {
  if (/^0x[0-9a-fA-F]{64}$/.test(named)) return parseProof(await askNode(url, `/evidence/${named}`));
  const path = named === "-" ? "/dev/stdin" : named;
  if (named !== "-" && !existsSync(path))
    throw new CoprocessorError(`${named} is neither an evidence's id (0x and 64 hex digits) nor a file`, {
      code: "evidence/unreadable",
      retry: "never",
      meta: { named },
    });
  try {
    return parseProof(JSON.parse(await readFile(path, "utf8")));
  } catch (cause) {
    if (cause instanceof CoprocessorError) throw cause;
    throw new CoprocessorError(`${named} cannot be read as a proof: ${(cause as Error).message}`, {
      code: "evidence/unreadable",
      retry: "never",
      meta: { named },
      cause,
    });
  }
}

const print = (value: unknown) => console.log(JSON.stringify(value, null, 2));
