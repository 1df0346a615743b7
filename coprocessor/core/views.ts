/** Views that take one timeout each; every later one takes twice as long as the one before. */
const EVEN_VIEWS = 8;

/**
 * Milliseconds from the first view to the start of another. Later views take longer, so that the few dozen that peers
 * hear of last for a request's whole life, through a partition too.
 */
export function viewStartsAfter(view: number, timeoutMs: number): number {
  const even = Math.min(view, EVEN_VIEWS);
  return timeoutMs * (even + 2 ** (view - even + 1) - 2);
}

/** The view that is due so long after the first one began. */
export function viewAt(elapsedMs: number, timeoutMs: number): number {
  let view = 0;
  while (viewStartsAfter(view + 1, timeoutMs) <= elapsedMs) view += 1;
  return view;
}
