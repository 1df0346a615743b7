import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Says what of `contracts/` the forge tests reach, per file, from forge's lcov report.
 *
 * `--json` prints it for machines. Ends with 1 when a test fails, or below the bounds.
 */
const LEAST_LINES = 0.98;
const LEAST_BRANCHES = 0.95;

const ROOT = join(import.meta.dirname, "..", "..");
const FOLDER = join(ROOT, ".cache", "coverage");
const REPORT = join(FOLDER, "lcov.info");

interface Reach {
  file: string;
  lines: number;
  linesHit: number;
  branches: number;
  branchesHit: number;
}

const share = (hit: number, all: number) => (all === 0 ? 1 : hit / all);
const percent = (value: number) => `${(100 * value).toFixed(1)} %`;

/** Reads lcov's records: one for each file, its totals on lines of their own. */
function reachOf(report: string): Reach[] {
  return report
    .split("end_of_record")
    .map((record) => {
      const total = (key: string) => Number(new RegExp(`^${key}:(\\d+)$`, "m").exec(record)?.[1] ?? 0);
      return {
        file: /^SF:(.+)$/m.exec(record)?.[1] ?? "",
        lines: total("LF"),
        linesHit: total("LH"),
        branches: total("BRF"),
        branchesHit: total("BRH"),
      };
    })
    .filter(({ file }) => file.startsWith("contracts/"));
}

mkdirSync(FOLDER, { recursive: true });
const json = process.argv.includes("--json");
/** Coverage compiles without the optimizer, so what code costs says nothing there. */
const MEASURES_GAS = "test_Gas_|test_Repayment_OfABatch";
const forge = spawnSync(
  process.execPath,
  [
    "scripts/foundry/forge.mjs",
    "coverage",
    "--no-match-test",
    MEASURES_GAS,
    "--report",
    "lcov",
    "--report-file",
    REPORT,
  ],
  { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"], encoding: "utf8", maxBuffer: 256 * 1024 * 1024 },
);
if (forge.status !== 0) {
  console.error(forge.stdout.split("\n").slice(-40).join("\n"));
  console.error("\nThe tests do not pass, so what they reach says nothing.");
  process.exit(1);
}

const files = reachOf(readFileSync(REPORT, "utf8"));
const sum = (key: keyof Omit<Reach, "file">) => files.reduce((total, file) => total + file[key], 0);
const lines = share(sum("linesHit"), sum("lines"));
const branches = share(sum("branchesHit"), sum("branches"));
if (json) console.log(JSON.stringify({ lines, branches, files }, null, 2));
else {
  for (const { file, ...reach } of files) {
    const [ofLines, ofBranches] = [
      percent(share(reach.linesHit, reach.lines)),
      percent(share(reach.branchesHit, reach.branches)),
    ];
    console.log(`${file.padEnd(48)}${ofLines.padStart(9)} lines${ofBranches.padStart(9)} branches`);
  }
  console.log(
    `\nlines ${percent(lines)} (${sum("linesHit")}/${sum("lines")}), at least ${percent(LEAST_LINES)}`,
  );
  console.log(
    `branches ${percent(branches)} (${sum("branchesHit")}/${sum("branches")}), at least ${percent(LEAST_BRANCHES)}`,
  );
}
process.exitCode = files.length === 0 || lines < LEAST_LINES || branches < LEAST_BRANCHES ? 1 : 0;
