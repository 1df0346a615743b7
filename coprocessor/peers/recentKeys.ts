/** Keys seen within a time window, at most `capacity` of them. */
export interface RecentKeys {
  /** True, and a new window begins, when `key` was not seen within the window. */
  add(key: string, now: number): boolean;
  has(key: string, now: number): boolean;
}

/** @param windowMs Milliseconds of the clock that `now` comes from. */
export function createRecentKeys(windowMs: number, capacity: number): RecentKeys {
  const seenAt = new Map<string, number>();

  function forget(now: number): void {
    for (const [key, at] of seenAt) {
      if (now - at < windowMs && seenAt.size <= capacity) return;
      seenAt.delete(key);
    }
  }

  return {
    add(key, now) {
      forget(now);
      if (seenAt.has(key)) return false;
      seenAt.set(key, now);
      forget(now);
      return true;
    },
    has(key, now) {
      forget(now);
      return seenAt.has(key);
    },
  };
}
