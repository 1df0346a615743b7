import { CoprocessorError } from "../core/errors.ts";

/**
 * Names why peers cannot listen: `peers/port-in-use`, `peers/port-not-permitted`, `peers/address-not-available`,
 * `peers/listen-failed`. libp2p tells it in words only; Node's codes are in them.
 */
export function listenError(
  cause: unknown,
  { host, port }: { host: string; port: number },
): CoprocessorError {
  const text = cause instanceof Error ? cause.message : String(cause);
  const of = (code: string, fact: string) =>
    new CoprocessorError(fact, { code, retry: "never", meta: { host, port }, cause });
  if (text.includes("EADDRINUSE")) return of("peers/port-in-use", `peer port ${port} on ${host} is in use`);
  if (text.includes("EACCES"))
    return of("peers/port-not-permitted", `no permission to listen on peer port ${port}`);
  if (text.includes("EADDRNOTAVAIL"))
    return of("peers/address-not-available", `${host} is no address of this machine`);
  return of("peers/listen-failed", `peers cannot listen on ${host}:${port}: ${text}`);
}
