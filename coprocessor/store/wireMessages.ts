import { type messages, protocol } from "@electric-sql/pglite";

/*
 * The few messages of Postgres' wire protocol that running a prepared statement takes. PGlite's own codec copies every field twice
 * and counts the bytes of every text one by one, which cost more than a statement itself.
 */

/** A column of an answer. */
export interface Field {
  name: string;
  dataTypeID: number;
}

/** What one statement was answered with; values are as Postgres writes them, null for its null. */
export interface RawAnswer {
  rows: (string | null)[][];
  /** As `INSERT 0 1`; empty for an empty statement. */
  tag: string;
}

/** What a pipeline of statements was answered with. */
export interface RawAnswers {
  /** One for each statement that was carried out. */
  answers: RawAnswer[];
  /** Everything that is not about rows: errors, notices, notifications. */
  others: messages.BackendMessage[];
}

const CODE = {
  bind: "B".charCodeAt(0),
  execute: "E".charCodeAt(0),
  dataRow: "D".charCodeAt(0),
  commandComplete: "C".charCodeAt(0),
  emptyQuery: "I".charCodeAt(0),
};
/** Of no interest: each only says that something went as it was asked to. */
const SILENT = new Set(["1", "2", "3", "n", "s", "t", "T", "Z", "S"].map((code) => code.charCodeAt(0)));

const TYPE_BYTES = 1;
const INT16_BYTES = 2;
const INT32_BYTES = 4;
const HEADER_BYTES = TYPE_BYTES + INT32_BYTES;
/** How a length says null. */
const NULL_LENGTH = -1;

/** @returns `Bind` and `Execute` of a prepared statement, with texts both ways. */
export function executionOf(name: string, values: readonly (string | null)[]): Buffer {
  const lengths = values.map((value) => (value === null ? NULL_LENGTH : Buffer.byteLength(value)));
  let bindBytes = INT32_BYTES + 1 + name.length + 1 + 3 * INT16_BYTES;
  for (const length of lengths) bindBytes += INT32_BYTES + Math.max(length, 0);
  const executeBytes = INT32_BYTES + 1 + INT32_BYTES;
  const buffer = Buffer.allocUnsafe(2 * TYPE_BYTES + bindBytes + executeBytes);

  let at = buffer.writeUInt8(CODE.bind, 0);
  at = buffer.writeInt32BE(bindBytes, at);
  // The unnamed portal.
  at = buffer.writeUInt8(0, at);
  at += buffer.write(name, at, "latin1");
  at = buffer.writeUInt8(0, at);
  // Of no parameter a format: all are texts.
  at = buffer.writeInt16BE(0, at);
  at = buffer.writeUInt16BE(values.length, at);
  for (const [index, value] of values.entries()) {
    at = buffer.writeInt32BE(lengths[index] as number, at);
    if (value !== null) at += buffer.write(value, at);
  }
  at = buffer.writeInt16BE(0, at);
  at = buffer.writeUInt8(CODE.execute, at);
  at = buffer.writeInt32BE(executeBytes, at);
  at = buffer.writeUInt8(0, at);
  // No limit to the rows.
  buffer.writeInt32BE(0, at);
  return buffer;
}

/** @param bytes Whole messages. */
export function readAnswers(bytes: Buffer): RawAnswers {
  const answers: RawAnswer[] = [];
  const others: messages.BackendMessage[] = [];
  let rows: (string | null)[][] = [];
  for (let at = 0; at < bytes.length; ) {
    const code = bytes[at] as number;
    const end = at + TYPE_BYTES + bytes.readUInt32BE(at + TYPE_BYTES);
    if (code === CODE.dataRow) {
      rows.push(readRow(bytes, at + HEADER_BYTES));
    } else if (code === CODE.commandComplete || code === CODE.emptyQuery) {
      const tag = code === CODE.emptyQuery ? "" : bytes.toString("latin1", at + HEADER_BYTES, end - 1);
      answers.push({ rows, tag });
      rows = [];
    } else if (!SILENT.has(code)) {
      new protocol.Parser().parse(Uint8Array.prototype.slice.call(bytes, at, end), (message) =>
        others.push(message),
      );
    }
    at = end;
  }
  return { answers, others };
}

function readRow(bytes: Buffer, start: number): (string | null)[] {
  const values: (string | null)[] = new Array(bytes.readUInt16BE(start));
  let at = start + INT16_BYTES;
  for (let index = 0; index < values.length; index++) {
    const length = bytes.readInt32BE(at);
    at += INT32_BYTES;
    if (length === NULL_LENGTH) {
      values[index] = null;
      continue;
    }
    values[index] = bytes.toString("utf8", at, at + length);
    at += length;
  }
  return values;
}
