import { randomBytes, timingSafeEqual } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CoprocessorError } from "../core/errors.ts";

const FILE = "control-token";

/**
 * What lets a command change something in a running node: whoever can read the node's folder may, as with bitcoind's cookie.
 * Anew at each start.
 */
export interface ControlToken {
  /** Whether a request's `Authorization` header carries it. */
  admits(header: string | undefined): boolean;
  remove(): void;
}

/** Writes a token that only the node's own user can read. */
export function writeControlToken(dataDir: string): ControlToken {
  const token = randomBytes(32).toString("hex");
  const path = join(dataDir, FILE);
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(path, token, { mode: 0o600 });
  // The mode of one that was there before stays otherwise.
  chmodSync(path, 0o600);
  const right = Buffer.from(`Bearer ${token}`);
  return {
    admits(header = "") {
      const given = Buffer.from(header);
      return given.length === right.length && timingSafeEqual(given, right);
    },
    remove: () => rmSync(path, { force: true }),
  };
}

/** @throws CoprocessorError `control/no-token` */
export function readControlToken(dataDir: string): string {
  try {
    return readFileSync(join(dataDir, FILE), "utf8");
  } catch (cause) {
    throw new CoprocessorError(
      `no node of ours runs on ${dataDir}: ${FILE} cannot be read; is it the node's DATA_DIR, on the node's machine?`,
      { code: "control/no-token", retry: "never", meta: { dataDir }, cause },
    );
  }
}
