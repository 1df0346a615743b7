import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Campaign, campaignIn, type ForgeReport } from "./campaign.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const SUITES = "test/contracts/invariant/*";
/** One invariant's calls take minutes; this ends one that hangs. */
const LIMIT_MS = 40 * 60_000;

async function forge(args: string[]): Promise<string> {
  const run = promisify(execFile)(
    process.execPath,
    ["scripts/foundry/forge.mjs", "test", "--json", ...args],
    {
      cwd: ROOT,
      env: { ...process.env, FOUNDRY_PROFILE: "deep" },
      timeout: LIMIT_MS,
      maxBuffer: 256 * 1024 * 1024,
    },
  );
  try {
    return (await run).stdout;
  } catch (error) {
    const {
      stdout = "",
      stderr = "",
      killed,
    } = error as { stdout?: string; stderr?: string; killed?: boolean };
    if (killed) throw new Error(`forge did not end within ${LIMIT_MS / 60_000} minutes`, { cause: error });
    // A failed invariant is reported like the others.
    if (stdout.startsWith("{")) return stdout;
    throw new Error(`forge test failed:\n${stdout}${stderr}`, { cause: error });
  }
}

/** One after another and each alone, so that what is done shows as it is done. */
async function main(json: boolean): Promise<void> {
  const list = JSON.parse(await forge(["--list", `--match-path=${SUITES}`])) as Record<
    string,
    Record<string, string[]>
  >;
  const invariants = Object.values(list).flatMap((contracts) =>
    Object.entries(contracts).flatMap(([contract, tests]) =>
      tests.filter((test) => test.startsWith("invariant_")).map((test) => ({ contract, test })),
    ),
  );
  if (invariants.length === 0) throw new Error(`there is no invariant in ${SUITES}`);
  const started = Date.now();
  const campaigns: (Campaign & { seconds: number })[] = [];
  for (const { contract, test } of invariants) {
    const from = Date.now();
    const report = await forge([`--match-contract=^${contract}$`, `--match-test=^${test}(\\(|$)`]);
    const campaign = campaignIn(JSON.parse(report) as ForgeReport);
    const seconds = (Date.now() - from) / 1000;
    campaigns.push({ ...campaign, seconds });
    console.error(
      `${campaign.problem === undefined ? "ok  " : "FAIL"} ${campaign.invariant}: ${campaign.calls.toLocaleString("en-US")} calls in ${campaign.runs} runs, ${campaign.reverts} reverted, ${seconds.toFixed(0)} s${campaign.problem === undefined ? "" : `: ${campaign.problem}`}`,
    );
    if (campaign.reached.length > 0) console.error(`     in the last run ${campaign.reached.join(", ")}`);
  }
  const failed = campaigns.filter(({ problem }) => problem !== undefined).length;
  const minutes = ((Date.now() - started) / 60_000).toFixed(1);
  if (json) console.log(JSON.stringify({ failed, campaigns }, null, 2));
  else
    console.log(
      `${campaigns.length - failed} of ${campaigns.length} invariants held, ${campaigns.reduce((sum, { calls }) => sum + calls, 0).toLocaleString("en-US")} calls in ${minutes} minutes.`,
    );
  if (failed > 0) process.exitCode = 1;
}

await main(process.argv.includes("--json"));
