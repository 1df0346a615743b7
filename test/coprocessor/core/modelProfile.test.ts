import { type ModelManifest, packProfile } from "@sibyl/sdk";
import { describe, expect, test } from "vitest";
import { checkProfile } from "../../../coprocessor/core/modelProfile.ts";

const manifest = {
  output: { codec: "classification" },
  profile: { kind: "tolerance", abs: "0.0001", rel: "0" },
} as ModelManifest;
const MODEL = `0x${"11".repeat(32)}` as const;

describe("model profile", () => {
  test("served: the registry says what the manifest says", () => {
    expect(() => checkProfile(MODEL, manifest, packProfile(manifest))).not.toThrow();
  });

  test("refused: the registry calls a tolerant model exact", () => {
    const exact = packProfile({ output: { codec: "classification" }, profile: { kind: "exact" } });
    expect(() => checkProfile(MODEL, manifest, exact)).toThrow(
      `model ${MODEL} is registered with the profile "classification, exact", its manifest says "classification, tolerance abs 0.0001 rel 0"`,
    );
  });

  test("refused: another codec, or no profile at all", () => {
    const scores = packProfile({ ...manifest, output: { codec: "scores" } });
    for (const registered of [scores, 0n]) {
      expect(() => checkProfile(MODEL, manifest, registered)).toThrow(
        expect.objectContaining({ code: "model/profile-mismatch", retry: "never" }),
      );
    }
  });
});
