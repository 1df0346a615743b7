import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

const schema = z
  .array(z.object({ id: z.string(), label: z.enum(["ham", "spam"]), text: z.string().min(1) }))
  .min(1);

/** A message that the model was not trained on, and what it really is. */
export type Sample = z.output<typeof schema>[number];

/** The held-out messages of a model's folder, ham and spam in turn. */
export function readSamples(modelFolder: string): Sample[] {
  return schema.parse(JSON.parse(readFileSync(join(modelFolder, "samples.json"), "utf8")));
}
