/** The entry is not the file that the store checked; the store will look again at the next try. */
export class EntryChangedError extends Error {
  override readonly name = "EntryChangedError";
}

/** The model alone is more than the sessions of a process may take. */
export class SessionTooLargeError extends Error {
  override readonly name = "SessionTooLargeError";
}
