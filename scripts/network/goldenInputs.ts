import { readFileSync } from "node:fs";
import { join } from "node:path";
import { encodeModelInput } from "@sibyl/sdk";
import type { Hex } from "viem";
import type { ServedModel } from "./serveModels.ts";

/** Encoded inputs that a model's goldens offer. */
export function goldenInputs({ folder, manifest }: Pick<ServedModel, "folder" | "manifest">): Hex[] {
  const goldens = JSON.parse(readFileSync(join(folder, "goldens.json"), "utf8")) as {
    cases: { input?: Hex; value?: string }[];
  };
  return goldens.cases.map(({ input, value }) => input ?? encodeModelInput(manifest, value as never));
}
