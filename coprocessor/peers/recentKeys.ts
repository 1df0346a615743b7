/** Keys seen within a time window, at most `capacity` of them. */
export interface RecentKeys {
  /** True, and a new window begins, when `key` was not seen within the window. */
  add(key: string, now: number): boolean;
  has(key: string, now: number): boolean;
  /** As if it had never been seen. */
  forget(key: string): void;
}

/** @param windowMs Milliseconds of the clock that `now` comes from. */
export function createRecentKeys(windowMs: number, capacity: number): RecentKeys {
  const seenAt = new Map<string, number>();

  function forgetOld(now: number): void {
    for (const [key, at] of seenAt) {
      if (now - at < windowMs && seenAt.size <= capacity) return;
      seenAt.delete(key);
    }
  }

  return {
    add(key, now) {
      forgetOld(now);
      if (seenAt.has(key)) return false;
      seenAt.set(key, now);
      forgetOld(now);
      return true;
    },
    has(key, now) {
      forgetOld(now);
      return seenAt.has(key);
    },
    forget: (key) => void seenAt.delete(key),
  };
}
