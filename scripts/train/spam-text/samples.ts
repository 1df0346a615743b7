import { createHash } from "node:crypto";

/** A held-out message as an example sends it. */
export interface Sample {
  /** The corpus' own `group/number`. */
  id: string;
  label: "ham" | "spam";
  text: string;
}

const PER_LABEL = 24;
const LENGTH = { fewestWords: 15, mostCharacters: 600 };

/**
 * Messages that nobody wants to see in a demo. Which words they use is decided here, before and without the model.
 */
const EXPLICIT =
  /\b(sex\w*|porn\w*|xxx|nude\w*|naked|penis|fuck\w*|shit\w*|cum\w*|cock|teens?|virgin\w*|adult|milf|viagra|horny|erect\w*|rape\w*|nazi\w*|whore\w*|sluts?|pussy|breast\w*|bitch\w*|cialis|orgasm\w*|lolita|bdsm|webcams?)\b/i;

/**
 * Picks held-out messages of board length for examples.
 *
 * By the hash of their id and never by what the model says of them, so an example's score is an honest one.
 */
export function chooseSamples(heldOut: readonly { id: string; label: number; text: string }[]): Sample[] {
  const fitting = heldOut
    .map(({ id, label, text }) => ({
      id,
      label: label === 1 ? ("spam" as const) : ("ham" as const),
      text: redact(text),
    }))
    .filter(({ text }) => words(text) >= LENGTH.fewestWords && text.length <= LENGTH.mostCharacters)
    .filter(({ text }) => !EXPLICIT.test(text) && isAscii(text))
    // A ham with an address or a number is a private person's.
    .filter(
      ({ label, text }) =>
        label === "spam" || !/someone@example|555-0100|\d{6}|\b(tel|fax|mobile|phone)\b/i.test(text),
    )
    .sort((a, b) => order(a.id).localeCompare(order(b.id)));
  // Alternating, so that any first dozen has both.
  const ham = fitting.filter(({ label }) => label === "ham").slice(0, PER_LABEL);
  const spam = fitting.filter(({ label }) => label === "spam").slice(0, PER_LABEL);
  return ham.flatMap((sample, at) => [sample, ...spam.slice(at, at + 1)]);
}

/** Replaces e-mail addresses, links and telephone numbers by ones that belong to nobody. */
function redact(text: string): string {
  return text
    .replace(/\b(?:https?:\/\/|www\.)[^\s<>"]+/gi, "http://www.example.com/")
    .replace(
      /\b[a-z0-9.-]+\.(?:com|net|org|info|biz|edu|gov|ie|uk|de|fr|au|ca|nu|cc|ws)\b(?!\/)/gi,
      "example.com",
    )
    .replace(/[\w.%+-]+\s*(?:@|\bat\b(?=\s+example\.com))\s*[\w.-]+\w/g, "someone@example.com")
    .replace(/(?:\+\d{1,3}[ .-]?)?(?:\(\d{2,5}\) ?|\b\d{2,5}[ .-])?\b\d{3,4}[ .-]\d{3,4}\b/g, "555-0100");
}

/** Those with letters, and not the replaced links. */
const words = (text: string) =>
  text.split(/\s+/).filter((word) => /^[^:@]*[a-z]{2}[^:@]*$/i.test(word)).length;

const order = (id: string) => createHash("sha256").update(`sample:${id}`).digest("hex");
// biome-ignore lint/suspicious/noControlCharactersInRegex: the range is meant
const isAscii = (text: string) => /^[\x00-\x7f]*$/.test(text);
