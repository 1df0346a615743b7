/** Milliseconds for an orderly end; a second signal does not wait for it. */
const STOP_TIMEOUT_MS = 15_000;

/** Resolves to the name of the first signal that asks this process to end. */
export function untilSignalled(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    process.once("SIGINT", resolve);
    process.once("SIGTERM", resolve);
  });
}

/**
 * Ends in order, or at once at a second signal or when the time is over, and then with exit status 1.
 *
 * @param drainMs What `stop` may take to finish work, beside closing.
 */
export async function stopInTime(stop: () => Promise<void>, drainMs = 0): Promise<void> {
  const timeout = setTimeout(() => process.exit(1), drainMs + STOP_TIMEOUT_MS);
  process.once("SIGINT", () => process.exit(1));
  process.once("SIGTERM", () => process.exit(1));
  await stop();
  clearTimeout(timeout);
}
