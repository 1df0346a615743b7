import { CoprocessorError, type Retry } from "../core/errors.ts";

/** SQLSTATE of a full disk. */
const DISK_FULL = "53100";
/** Ours: what the fence around the tables raises; see the migration `nodeLease`. */
const FENCED = "SY001";

/** What a failure of the database means to the caller, by SQLSTATE or system error code; prefixes match. */
const MEANINGS: readonly { codes: readonly string[]; code: string; retry: Retry; fact: string }[] = [
  { codes: [DISK_FULL, "ENOSPC"], code: "store/no-space", retry: "backoff", fact: "the disk is full" },
  {
    codes: [FENCED],
    code: "node/lease-lost",
    retry: "never",
    fact: "another node of this operator has taken over",
  },
  { codes: ["28"], code: "store/auth-failed", retry: "never", fact: "the database refused user or password" },
  { codes: ["3D"], code: "store/no-such-database", retry: "never", fact: "the database does not exist" },
  {
    codes: ["22", "23", "42"],
    code: "store/rejected",
    retry: "never",
    fact: "the database refused the statement",
  },
];

/** Names a database failure; a CoprocessorError stays what it is. */
export function storeError(error: unknown, operation: string): CoprocessorError {
  if (error instanceof CoprocessorError) return error;
  const sqlState = findCode(error);
  const text = deepestMessage(error);
  const isFull = /no space left on device|ENOSPC|errno 51\b/i.test(text);
  const meaning = MEANINGS.find(({ codes }) =>
    codes.some((code) => sqlState?.startsWith(code) || (isFull && code === DISK_FULL)),
  );
  const { code, retry, fact } = meaning ?? {
    code: "store/unavailable",
    retry: "backoff" as const,
    fact: "the database does not answer",
  };
  return new CoprocessorError(`${operation}: ${fact}: ${text}`, {
    code,
    retry,
    meta: { operation, ...(sqlState === null ? {} : { sqlState }) },
    cause: error,
  });
}

/** Drizzle and node wrap errors: the code is on the innermost that has one. */
function findCode(error: unknown): string | null {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as { code?: unknown };
    if (typeof code === "string") return code;
  }
  return null;
}

function deepestMessage(error: unknown): string {
  let text = String(error);
  for (let at = error; at instanceof Error; at = at.cause) {
    const inner =
      at instanceof AggregateError ? at.errors.map((one) => (one as Error).message).join("; ") : at.message;
    if (inner !== "") text = inner;
  }
  return text;
}
