import { z } from "zod";
import { manifestSchema } from "./manifest.ts";

/** The version that a manifest names in `schema`. */
const SCHEMA = "sibyl/model@1";

/**
 * The manifest's schema as JSON Schema (draft 2020-12), for editors and other languages.
 *
 * It says what one field may be. What holds between fields (the entry is one of the files, paths do not repeat, text
 * is exact) only `parseManifest` checks.
 */
export function manifestJsonSchema(): object {
  const schema = z.toJSONSchema(manifestSchema, { io: "input", unrepresentable: "any" });
  return { ...schema, title: "Sibyl model manifest", description: `Of version ${SCHEMA}.` };
}
