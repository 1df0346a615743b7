import type { Failure, RowEnding } from "./messages.ts";

/*
 * The rows of a frame as its parts: a table of `ROW_BYTES` for each, then of each the output's bytes, or its failure as JSON.
 *
 * A row of the table is, little-endian: the milliseconds of its run as float64, the requests that ran together as uint32, and
 * as uint32 whether it failed.
 */

const ROW_BYTES = 16;

export function encodeRows(rows: readonly RowEnding[]): Uint8Array[] {
  const table = Buffer.alloc(ROW_BYTES * rows.length);
  const parts: Uint8Array[] = [table];
  let at = 0;
  for (const row of rows) {
    if ("fact" in row) {
      table.writeUInt32LE(1, at + 12);
      parts.push(Buffer.from(JSON.stringify(row)));
    } else {
      table.writeDoubleLE(row.runMs, at);
      table.writeUInt32LE(row.batch, at + 8);
      parts.push(row.output);
    }
    at += ROW_BYTES;
  }
  return parts;
}

/**
 * The rows that `encodeRows` made parts of; outputs are views of the parts.
 *
 * @throws RangeError when there is not a part for each row of the table.
 */
export function decodeRows(parts: readonly Buffer[]): RowEnding[] {
  const [table, ...bodies] = parts;
  if (table?.length !== ROW_BYTES * bodies.length) {
    throw new RangeError(`${bodies.length} rows with a table of ${table?.length ?? 0} bytes`);
  }
  return bodies.map((body, row) => {
    const at = ROW_BYTES * row;
    if (table.readUInt32LE(at + 12) !== 0) return JSON.parse(body.toString()) as Failure;
    return { output: body, runMs: table.readDoubleLE(at), batch: table.readUInt32LE(at + 8) };
  });
}
