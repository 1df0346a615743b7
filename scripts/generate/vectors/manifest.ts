import { canonicalManifest, modelId } from "@sibyl/sdk";
import { word } from "./draw.ts";

const sha256 = (label: string) => word(label).slice(2);

/** A manifest as the design says it, with its keys out of order. */
export const SAMPLE_MANIFEST = {
  schema: "sibyl/model@1",
  version: "1.0.0",
  name: "sample",
  description: "A classifier of short texts.",
  license: "MIT",
  entry: "model.onnx",
  files: [
    { path: "model.onnx", sha256: sha256("model.onnx"), bytes: 123_456 },
    { path: "vocabulary/words.json", sha256: sha256("words.json"), bytes: 789 },
  ],
  input: { codec: "text", maxBytes: 4_096 },
  output: { codec: "classification", labels: ["ham", "spam"] },
  task: { type: "text-classification", threshold: 0.5 },
  profile: { kind: "tolerance", abs: "0.00001", rel: "0.0001" },
};

/** Manifests and other JSON, in canonical form and hashed. */
export function manifestVectors(): Record<string, object> {
  const values: [string, unknown][] = [
    ["sample", SAMPLE_MANIFEST],
    [
      "unknown sections count for the id",
      { ...SAMPLE_MANIFEST, commitments: { weights: word("weights") }, a: [] },
    ],
    [
      "keys sort by UTF-16 code units",
      { "\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\ud83d\ude00": 5, "\u0080": 6 },
    ],
    [
      "numbers have one spelling",
      [Number("333333333.33333329"), 1e30, 4.5, 2e-3, 1e-27, -0, 1e21, 1e20, 0.1],
    ],
    ["strings keep what need not be escaped", '\u20ac$\u000f\nA\'B"\\"/\u2028'],
    ["nothing inside", [{}, [], "", null, true, false, 0]],
  ];
  return {
    manifest: {
      cases: values.map(([name, value]) => ({
        name,
        json: JSON.stringify(value),
        canonical: canonicalManifest(value),
        modelId: modelId(value),
      })),
    },
  };
}
