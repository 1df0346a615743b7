import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { CoprocessorError } from "../core/errors.ts";

/**
 * A node's variables: those of a file, and over them those of the environment.
 *
 * @param path Lines of `NAME=value`; null reads the environment alone.
 * @throws CoprocessorError `config/unreadable`
 */
export function readVariables(
  path: string | null,
  environment: Record<string, string | undefined>,
): Record<string, string | undefined> {
  if (path === null) return environment;
  try {
    const given = Object.entries(environment).filter(([, value]) => value !== "" && value !== undefined);
    return { ...parseEnv(readFileSync(path, "utf8")), ...Object.fromEntries(given) };
  } catch (cause) {
    throw new CoprocessorError(`the configuration file ${path} cannot be read: ${(cause as Error).message}`, {
      code: "config/unreadable",
      retry: "never",
      meta: { path },
      cause,
    });
  }
}
