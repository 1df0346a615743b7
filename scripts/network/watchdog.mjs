// Ends processes when the process that started them is gone, however it went: also kill -9, which runs no handler.
// It is told process ids on standard input, `+<pid>` and `-<pid>`, and acts when the input ends.
import { createInterface } from "node:readline";

const GRACE_MS = 5_000;
/** @type {Set<number>} */
const watched = new Set();

for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) process.on(signal, () => {});

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const pid = Number(line.slice(1));
    if (line.startsWith("+")) watched.add(pid);
    else watched.delete(pid);
  })
  .on("close", () => {
    for (const pid of watched) end(pid, "SIGTERM");
    if (watched.size === 0) process.exit(0);
    setTimeout(() => {
      for (const pid of watched) end(pid, "SIGKILL");
      process.exit(0);
    }, GRACE_MS);
  });

/** @param {number} pid @param {NodeJS.Signals} signal */
function end(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone already.
    watched.delete(pid);
  }
}
