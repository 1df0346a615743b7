/**
 * Remembers what was read, the most recent entries only; who asks for what is being read waits for the same answer.
 *
 * A value that was being read while something was written about its key is handed to its readers and not kept, because it may be
 * from before the write.
 */
export class ReadCache<Key, Value> {
  readonly #maxEntries: number;
  /** Least recently read first, once half of the places are taken: a Map keeps the order of insertion. */
  readonly #values = new Map<Key, { value: Value }>();
  /** Reads under way that nothing was written after; who asks later shares them. */
  readonly #loading = new Map<Key, Promise<Value>>();

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  get(key: Key, load: () => Promise<Value>): Promise<Value> {
    const known = this.#values.get(key);
    if (known !== undefined) {
      this.#noteUse(key, known);
      return Promise.resolve(known.value);
    }
    return this.#loading.get(key) ?? this.#load(key, load);
  }

  /** What is kept; undefined when it would have to be read. */
  peek(key: Key): Value | undefined {
    return this.#values.get(key)?.value;
  }

  forget(key: Key): void {
    this.#loading.delete(key);
    this.#values.delete(key);
  }

  /** Follows a write: changes what is kept about a key, if anything is. */
  update(key: Key, change: (value: Value) => Value): void {
    this.#loading.delete(key);
    const known = this.#values.get(key);
    if (known !== undefined) known.value = change(known.value);
  }

  forgetAll(): void {
    this.#loading.clear();
    this.#values.clear();
  }

  #load(key: Key, load: () => Promise<Value>): Promise<Value> {
    const loading = load().then(
      (value) => {
        if (this.#end(key, loading)) this.#keep(key, value);
        return value;
      },
      (error: unknown) => {
        this.#end(key, loading);
        throw error;
      },
    );
    this.#loading.set(key, loading);
    return loading;
  }

  /** Who is used last goes last; while half of the places are free, nobody has to make room soon. */
  #noteUse(key: Key, known: { value: Value }): void {
    if (this.#values.size * 2 <= this.#maxEntries) return;
    this.#values.delete(key);
    this.#values.set(key, known);
  }

  /** @returns whether nothing was written about the key since the read began. */
  #end(key: Key, loading: Promise<Value>): boolean {
    return this.#loading.get(key) === loading && this.#loading.delete(key);
  }

  #keep(key: Key, value: Value): void {
    this.#values.set(key, { value });
    if (this.#values.size <= this.#maxEntries) return;
    const [oldest] = this.#values.keys();
    if (oldest !== undefined) this.#values.delete(oldest);
  }
}
