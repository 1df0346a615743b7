import { closeSync, openSync, readSync } from "node:fs";

/** Extensions by which the runtime chooses its code, as Linux names them. */
const RELEVANT =
  /^(avx2|fma|f16c|avx512(f|bw|dq|vl|_vnni|_bf16)|avx_vnni|amx_(tile|int8|bf16)|asimd|asimddp|asimdhp|i8mm|bf16|sve2?)$/;
/** The first processor's entry is shorter. */
const ENTRY_BYTES = 8_192;

/** The processor's vector extensions, in Linux's words and order; empty where the system does not tell. */
export function cpuFeatures(): string {
  let file: number;
  try {
    file = openSync("/proc/cpuinfo", "r");
  } catch {
    return ""; // not Linux
  }
  try {
    const entry = Buffer.alloc(ENTRY_BYTES);
    const text = entry.toString("latin1", 0, readSync(file, entry));
    const flags = /^(?:flags|Features)\s*:(.*)$/m.exec(text)?.[1] ?? "";
    return flags
      .split(/\s+/)
      .filter((flag) => RELEVANT.test(flag))
      .join(" ");
  } finally {
    closeSync(file);
  }
}
