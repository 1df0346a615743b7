import { existsSync, lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { installDifference } from "./installState.mjs";
import { interruptedBy, launch } from "./launch.mjs";
import { root } from "./root.mjs";
import { withLock } from "./withLock.mjs";

const INSTALL_TIMEOUT_MS = 10 * 60_000;

/** What npm's error codes mean for somebody who only wanted to run a task. */
const HINTS = [
  {
    codes: /ENOSPC|EDQUOT/,
    hint: "The disk is full. The packages need about 1.5 GB; free some space and try again.",
  },
  {
    codes:
      /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT/,
    hint: "The package registry cannot be reached. Check the network and `npm config get registry`, then try again.",
  },
  { codes: /EACCES|EPERM|EROFS/, hint: "No permission to write node_modules. Check who owns this folder." },
  {
    codes: /EUSAGE/,
    hint: "package-lock.json does not match the package.json files: run `npm install` and commit it.",
  },
  {
    codes: /EINTEGRITY/,
    hint: "A package differs from what package-lock.json pins. Do not use it; report it.",
  },
  { codes: /E404|ETARGET/, hint: "A pinned package is not in the package registry that npm is set up with." },
];

/**
 * Makes node_modules what package-lock.json says; does nothing when it is. Of several tasks that start at once, one
 * installs and the others wait.
 *
 * `SIBYL_SKIP_INSTALL=1` trusts the node_modules that are there, for images that bring their own.
 *
 * @returns {Promise<boolean>} False when it could not; the reason is printed.
 */
export async function ensureInstalled() {
  if (process.env.SIBYL_SKIP_INSTALL === "1" || difference() === null) return true;
  const abort = new AbortController();
  const stop = () => abort.abort();
  process.once("SIGINT", stop).once("SIGTERM", stop);
  try {
    return await withLock(
      join(root, ".cache", "install.lock"),
      {
        onWait: (holder) => console.error(`Waiting: ${holder} is installing the dependencies.`),
        signal: abort.signal,
      },
      async () => {
        const reason = difference();
        return reason === null || (await install(reason));
      },
    );
  } catch (error) {
    if (abort.signal.aborted) return false;
    throw error;
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop);
  }
}

function difference() {
  const wanted = readPackages(join(root, "package-lock.json"));
  if (wanted === null)
    throw new Error("package-lock.json is missing or unreadable: is this a complete clone?");
  return installDifference(wanted, readPackages(join(root, "node_modules", ".package-lock.json")));
}

/** @param {string} path @returns {import("./installState.mjs").LockedPackages | null} */
function readPackages(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8")).packages;
  } catch {
    return null;
  }
}

/** @param {string} reason */
async function install(reason) {
  const modules = join(root, "node_modules");
  if (existsSync(modules) && lstatSync(modules).isSymbolicLink()) {
    console.error(
      `node_modules is a link to another folder and does not match package-lock.json (${reason}).`,
    );
    console.error(
      "Installing would empty that folder. Remove the link, or set SIBYL_SKIP_INSTALL=1 to use it as it is.",
    );
    return false;
  }
  console.error(`Installing dependencies (${reason}): npm ci --ignore-scripts. This takes a minute or two.`);
  const started = Date.now();
  const [command, ...first] = npmCommand();
  // Without the explicit flags, NODE_ENV=production or a silent parent npm would leave out tools or the reason of a failure.
  const flags = ["ci", "--ignore-scripts", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"];
  const exit = await launch(command, [...first, ...flags], {
    stdout: "capture",
    stderr: "tee",
    timeoutMs: INSTALL_TIMEOUT_MS,
    endLeftovers: true,
  });
  if (exit.code === 0) {
    console.error(`Installed in ${Math.round((Date.now() - started) / 1000)} s.`);
    return true;
  }
  if (interruptedBy() !== null) {
    console.error("Installation interrupted; the next task starts it again.");
    return false;
  }
  const hint = exit.timedOut
    ? `It took longer than ${INSTALL_TIMEOUT_MS / 60_000} minutes. Check the network, then try again.`
    : HINTS.find(({ codes }) => codes.test(exit.stderr))?.hint;
  console.error(
    `\nDependencies could not be installed (npm ci ended with ${exit.code}).${hint ? `\n${hint}` : ""}`,
  );
  return false;
}

/** The npm that runs us, else the one on the path. @returns {[string, ...string[]]} */
function npmCommand() {
  const running = process.env.npm_execpath;
  return running?.endsWith(".js") && existsSync(running) ? [process.execPath, running] : ["npm"];
}
