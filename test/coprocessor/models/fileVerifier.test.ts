import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FileVerifier } from "../../../coprocessor/models/fileVerifier.ts";

const BYTES = Buffer.from("weights");
const ENTRY = {
  path: "model.onnx",
  sha256: createHash("sha256").update(BYTES).digest("hex"),
  bytes: BYTES.length,
};
const MISMATCH = { code: "model/hash-mismatch" };
/** Longer than any test. */
const FOR_EVER_MS = 3_600_000;

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sibyl-verifier-"));
  path = join(folder, ENTRY.path);
  writeFileSync(path, BYTES);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a file that changed is noticed at the next look", async () => {
  const verifier = new FileVerifier();
  await verifier.verify(path, ENTRY);
  writeFileSync(path, "WEIGHTS");
  await expect(verifier.verify(path, ENTRY)).rejects.toMatchObject(MISMATCH);
});

test("a look counts for a while, for the hash that the file was right for and no other", async () => {
  const verifier = new FileVerifier(FOR_EVER_MS);
  await verifier.verify(path, ENTRY);
  writeFileSync(path, "WEIGHTS");
  await verifier.verify(path, ENTRY);
  const other = { ...ENTRY, sha256: "0".repeat(64) };
  await expect(verifier.verify(path, other)).rejects.toMatchObject(MISMATCH);
});

test("a file that was wrong is looked at again", async () => {
  const verifier = new FileVerifier(FOR_EVER_MS);
  writeFileSync(path, "WEIGHTS");
  await expect(verifier.verify(path, ENTRY)).rejects.toMatchObject(MISMATCH);
  writeFileSync(path, BYTES);
  await verifier.verify(path, ENTRY);
});
