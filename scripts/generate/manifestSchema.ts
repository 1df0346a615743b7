import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { manifestJsonSchema } from "@sibyl/sdk";

/**
 * Writes `docs/manifest.schema.json`, the manifest's schema for editors and other languages.
 *
 * `--check` writes nothing and fails when the file is not what the SDK gives now.
 */
const NAME = "docs/manifest.schema.json";
const path = fileURLToPath(new URL(`../../${NAME}`, import.meta.url));
const text = `${JSON.stringify(manifestJsonSchema(), null, 2)}\n`;
if (!process.argv.includes("--check")) writeFileSync(path, text);
else if (!existsSync(path) || readFileSync(path, "utf8") !== text) {
  console.error(`${NAME} is not what the SDK gives now; run "npm run generate"`);
  process.exitCode = 1;
}
