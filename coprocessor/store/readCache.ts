/**
 * Remembers what was read, the most recent entries only.
 *
 * A value that was being read while anything was written is handed to its reader and not kept, because it may be from
 * before the write.
 */
export class ReadCache<Key, Value> {
  readonly #maxEntries: number;
  /** Least recently read first: a Map keeps the order of insertion. */
  readonly #values = new Map<Key, { value: Value }>();
  /** Counts writes. */
  #version = 0;

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  async get(key: Key, load: () => Promise<Value>): Promise<Value> {
    const known = this.#values.get(key);
    if (known !== undefined) {
      this.#values.delete(key);
      this.#values.set(key, known);
      return known.value;
    }
    const version = this.#version;
    const value = await load();
    if (version === this.#version) this.#keep(key, value);
    return value;
  }

  forget(key: Key): void {
    this.#version++;
    this.#values.delete(key);
  }

  /** Follows a write: changes what is kept about a key, if anything is. */
  update(key: Key, change: (value: Value) => Value): void {
    this.#version++;
    const known = this.#values.get(key);
    if (known !== undefined) known.value = change(known.value);
  }

  forgetAll(): void {
    this.#version++;
    this.#values.clear();
  }

  #keep(key: Key, value: Value): void {
    this.#values.set(key, { value });
    if (this.#values.size <= this.#maxEntries) return;
    const [oldest] = this.#values.keys();
    if (oldest !== undefined) this.#values.delete(oldest);
  }
}
