import { type Hex, stringToBytes } from "viem";
import { z } from "zod";
import { canonicalJson } from "./canonicalJson.ts";
import { INPUT_CODECS } from "./codec/input.ts";
import { OUTPUT_CODECS } from "./codec/output.ts";
import { SibylError } from "./errors.ts";
import { parseWad, WAD } from "./fixedPoint.ts";
import { imageInput } from "./imageInput.ts";
import { keccak256 } from "./keccak256.ts";

/** Limits of a manifest; what is larger is refused before it is looked at. */
export const MANIFEST_LIMITS = {
  /** Bytes of the manifest itself. */
  manifestBytes: 256 * 1024,
  files: 64,
  /** Bytes of one file. */
  fileBytes: 64 * 2 ** 30,
  /** Bytes of one request's input: what fits a transaction. */
  inputBytes: 128 * 1024,
  labels: 10_000,
  /** Requests that a model may be run on together. */
  batch: 1_024,
  pathLength: 200,
} as const;

/** The manifest is not what the schema says; `issues` names each place and fact. */
export class InvalidManifestError extends SibylError {
  override readonly name: string = "InvalidManifestError";
  readonly issues: readonly { path: string; message: string }[];

  constructor(issues: readonly { path: string; message: string }[], cause?: unknown) {
    super("The model manifest is invalid.", {
      details: issues.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join("; "),
      cause,
    });
    this.issues = issues;
  }
}

// One spelling per file on every platform: no "..", no absolute path, no backslash, no drive, nothing hidden.
const SEGMENT = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;

const filePath = z
  .string()
  .max(MANIFEST_LIMITS.pathLength)
  .refine((path) => path.split("/").every((segment) => SEGMENT.test(segment)), {
    error: "must be a relative path of letters, digits, '_', '-', '.' and '/', without '..' and hidden names",
  });

const file = z.strictObject({
  path: filePath,
  sha256: z.string().regex(/^[0-9a-f]{64}$/, "must be 64 lower-case hex digits without 0x"),
  bytes: z.int().min(1).max(MANIFEST_LIMITS.fileBytes),
});

// Tolerances stand on chain too, in a part of one word (contracts/types/DeterminismProfile.sol).
const MAX_ABS_WAD = (1n << 120n) - 1n;

const tolerance = (maximumWad: bigint, limit: string) =>
  z.string().refine(
    (text) => {
      try {
        const wad = parseWad(text);
        return wad >= 0n && wad <= maximumWad;
      } catch {
        return false;
      }
    },
    { error: `must be a decimal string from 0 to ${limit}, at most 18 decimals, for example "0.0001"` },
  );

const profile = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("exact") }),
  z.strictObject({
    kind: z.literal("tolerance"),
    abs: tolerance(MAX_ABS_WAD, "1e18"),
    rel: tolerance(WAD, "1"),
  }),
]);

export const manifestSchema = z
  .looseObject({
    schema: z.literal("sibyl/model@1"),
    name: z
      .string()
      .regex(/^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$/, "must be a lower-case name with digits and '-'"),
    version: z.string().min(1).max(64),
    description: z.string().min(1).max(2_000),
    license: z.string().min(1).max(128),
    files: z.array(file).min(1).max(MANIFEST_LIMITS.files),
    entry: filePath,
    input: z.looseObject({
      codec: z.enum(INPUT_CODECS),
      maxBytes: z.int().min(1).max(MANIFEST_LIMITS.inputBytes),
    }),
    output: z.looseObject({
      codec: z.enum(OUTPUT_CODECS),
      labels: z.array(z.string().min(1).max(200)).min(1).max(MANIFEST_LIMITS.labels).optional(),
    }),
    task: z.looseObject({
      type: z.string().min(1).max(64),
      /** For inputs that are encoded images. */
      image: imageInput.optional(),
    }),
    profile,
    /**
     * The build of ONNX Runtime that gives the model's answers: `native` (when left out), or `wasm`, one thread of
     * WebAssembly, whose bits are the same on every machine and so let a graph of real numbers be `exact`.
     */
    runner: z.enum(["native", "wasm"]).optional(),
    /**
     * How many requests may be run together, as rows of each tensor's first dimension. The publisher vouches that a row
     * does not depend on its neighbours. One at a time when left out.
     */
    batch: z.strictObject({ max: z.int().min(1).max(MANIFEST_LIMITS.batch) }).optional(),
    sources: z.unknown().optional(),
    metrics: z.unknown().optional(),
  })
  .check((context) => {
    const { files, entry, output, profile, task } = context.value;
    const fail = (path: (string | number)[], message: string) =>
      context.issues.push({ code: "custom", path, message, input: context.value });

    const seen = new Set<string>();
    for (const [index, { path }] of files.entries()) {
      // Compared in lower case, because some file systems do not tell cases apart.
      const key = path.toLowerCase();
      if (seen.has(key)) fail(["files", index, "path"], `names ${path} a second time`);
      seen.add(key);
    }
    for (const [index, { path }] of files.entries()) {
      const segments = path.toLowerCase().split("/");
      const parent = segments
        .slice(0, -1)
        .findIndex((_, at) => seen.has(segments.slice(0, at + 1).join("/")));
      if (parent !== -1) fail(["files", index, "path"], "lies below another file");
    }
    if (!files.some(({ path }) => path === entry)) fail(["entry"], `${entry} is not among the files`);
    if (output.labels && new Set(output.labels).size !== output.labels.length) {
      fail(["output", "labels"], "names a label twice");
    }
    if (profile.kind === "exact" && task.image?.formats.includes("jpeg")) {
      fail(["task", "image", "formats"], "must leave out jpeg for an exact model: decoders may differ");
    }
    if (output.codec === "text" && profile.kind !== "exact") {
      fail(["profile", "kind"], 'must be "exact" for text, which has no distance');
    }
  });

/**
 * What a model is: its files by hash, how to call it, how its outputs compare, its licence.
 *
 * Sections that this version does not know are kept, and count for the model's id.
 */
export type ModelManifest = z.output<typeof manifestSchema>;

/** How two honest outputs of a model compare. */
export type DeterminismProfile = ModelManifest["profile"];

/**
 * Reads a manifest and checks it; unknown sections stay in it.
 *
 * @param source The file's bytes (UTF-8) or text, or JSON that was parsed already.
 * @throws InvalidManifestError naming each place that is wrong.
 */
export function parseManifest(source: Uint8Array | string | object): ModelManifest {
  const json = source instanceof Uint8Array || typeof source === "string" ? parseJson(source) : source;
  const result = manifestSchema.safeParse(json);
  if (!result.success) {
    throw new InvalidManifestError(
      result.error.issues.map(({ path, message }) => ({ path: pathText(path), message })),
      result.error,
    );
  }
  canonicalManifest(json);
  // The parsed JSON itself and not zod's copy of it, so that hashing it gives the model's id.
  return json as ModelManifest;
}

/**
 * A manifest's canonical JSON (RFC 8785).
 *
 * @throws InvalidManifestError when the value has no canonical JSON: not finite numbers, lone surrogates, too deep.
 */
export function canonicalManifest(json: unknown): string {
  try {
    return canonicalJson(json);
  } catch (cause) {
    throw new InvalidManifestError([{ path: "", message: (cause as Error).message }], cause);
  }
}

/** A model's content address: `keccak256` of its manifest's canonical JSON in UTF-8. Does not check the schema. */
export function modelId(json: unknown): Hex {
  return keccak256(stringToBytes(canonicalManifest(json)));
}

function parseJson(source: Uint8Array | string): unknown {
  const size = typeof source === "string" ? new TextEncoder().encode(source).length : source.length;
  if (size > MANIFEST_LIMITS.manifestBytes) {
    throw new InvalidManifestError([
      { path: "", message: `has ${size} bytes, ${MANIFEST_LIMITS.manifestBytes} allowed` },
    ]);
  }
  try {
    const text =
      typeof source === "string"
        ? source
        : new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(source);
    return JSON.parse(text);
  } catch (cause) {
    throw new InvalidManifestError([{ path: "", message: `is no JSON: ${(cause as Error).message}` }], cause);
  }
}

function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((key, at) => (typeof key === "number" ? `[${key}]` : `${at ? "." : ""}${String(key)}`))
    .join("");
}
