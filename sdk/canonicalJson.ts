import canonicalize from "canonicalize";
import { SibylError } from "./errors.ts";

/** A value has no canonical JSON. */
export class NotCanonicalizableError extends SibylError {
  override readonly name: string = "NotCanonicalizableError";
}

/** How deep arrays and objects may nest. */
export const MAX_JSON_DEPTH = 32;

/**
 * JSON in RFC 8785 form: sorted keys, no white space, one spelling per number and string.
 *
 * Takes only what JSON can say, and says where something else stands: nothing is left out silently.
 *
 * @throws NotCanonicalizableError on undefined, functions, bigints, numbers that are not finite, strings with lone
 * surrogates, class instances, and nesting beyond `MAX_JSON_DEPTH`.
 */
export function canonicalJson(value: unknown): string {
  checkJson(value, "$", 0);
  return canonicalize(value) as string;
}

function checkJson(value: unknown, at: string, depth: number): void {
  if (depth > MAX_JSON_DEPTH) fail(`nests deeper than ${MAX_JSON_DEPTH}`, at);
  if (value === null || typeof value === "boolean") return;
  if (typeof value === "string") {
    checkString(value, at);
    return;
  }
  if (typeof value === "number") {
    if (!Number.isFinite(value)) fail(`holds ${value}, which is no JSON number`, at);
    return;
  }
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) checkJson(item, `${at}[${index}]`, depth + 1);
    return;
  }
  if (typeof value !== "object" || ![Object.prototype, null].includes(Object.getPrototypeOf(value))) {
    fail(`holds a ${typeof value} that JSON cannot say`, at);
  }
  for (const [key, item] of Object.entries(value as object)) {
    checkString(key, at);
    checkJson(item, `${at}.${key}`, depth + 1);
  }
}

function checkString(text: string, at: string): void {
  if (/\p{Surrogate}/u.test(text)) fail("holds a string with a lone surrogate", at);
}

function fail(fact: string, at: string): never {
  throw new NotCanonicalizableError(`The value ${fact}.`, { details: `at ${at}` });
}
