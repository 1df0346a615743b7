import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeFrame, FrameReader, Heads } from "../../../coprocessor/inference/frames.ts";
import type { RowEnding } from "../../../coprocessor/inference/messages.ts";
import { decodeRows, encodeRows } from "../../../coprocessor/inference/rowParts.ts";

const bytes = fc.uint8Array({ maxLength: 50 });
const plain = (frames: readonly { head: Uint8Array; parts: readonly Uint8Array[] }[]) =>
  frames.map(({ head, parts }) => ({
    head: [...head],
    parts: parts.map((part) => [...part]),
  }));

test("frames: come out as they went in, in whatever pieces the pipe gives them", () => {
  const frame = fc.record({ head: bytes, parts: fc.array(bytes, { maxLength: 4 }) });
  const pieces = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 });
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 5 }), pieces, (frames, sizes) => {
      const sent = Buffer.concat(frames.map(({ head, parts }) => encodeFrame(head, parts)));
      const reader = new FrameReader();
      const read: ReturnType<typeof plain> = [];
      const memory = Buffer.allocUnsafeSlow(40);
      for (let at = 0, turn = 0; at < sent.length; turn += 1) {
        // As a reader does that uses its memory again.
        const piece = memory.subarray(
          0,
          sent.copy(memory, 0, at, at + (sizes[turn % sizes.length] as number)),
        );
        const whole = reader.push(piece);
        for (const part of whole.flatMap(({ parts }) => parts)) expect(part.byteOffset % 8).toBe(0);
        read.push(...plain(whole));
        at += piece.length;
      }
      expect(read).toEqual(plain(frames));
    }),
  );
});

test("frames: a frame of many pieces is put together once", () => {
  const part = Buffer.alloc(4_000_000, 7);
  const sent = encodeFrame(Buffer.from("{}"), [part]);
  const reader = new FrameReader();
  const read = [];
  for (let at = 0; at < sent.length; at += 65_536) read.push(...reader.push(sent.subarray(at, at + 65_536)));
  expect(read).toHaveLength(1);
  expect(read[0]?.head.toString()).toBe("{}");
  expect(read[0]?.parts[0]?.equals(part)).toBe(true);
});

test("frames: one that claims to be longer than any is refused before it has come", () => {
  const start = encodeFrame(Buffer.alloc(0), []);
  start.writeUInt32LE(2 ** 31, 0);
  expect(() => new FrameReader().push(start)).toThrow(/a frame of 2147483648 bytes, 67108864 allowed/);
});

test("frames: whatever else is made of one is refused or read within it", () => {
  const start = fc.array(
    fc.oneof(fc.integer({ min: 0, max: 64 }), fc.integer({ min: 0, max: 2 ** 32 - 1 })),
    { minLength: 4, maxLength: 12 },
  );
  let refused = 0;
  fc.assert(
    fc.property(start, (words) => {
      const sent = Buffer.from(Uint32Array.from(words).buffer);
      try {
        for (const { head, parts } of new FrameReader().push(sent)) {
          for (const view of [head, ...parts]) {
            expect(view.byteOffset + view.length).toBeLessThanOrEqual(sent.byteOffset + sent.length);
          }
        }
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
        refused += 1;
      }
    }),
    { numRuns: 2_000 },
  );
  expect(refused).toBeGreaterThan(1_000);
});

test("rows: outputs and failures come out as they went in", () => {
  const rows: RowEnding[] = [
    { output: Buffer.from("an output"), runMs: 0.125, batch: 3 },
    { fact: "bad-input", retry: "never", message: "no", meta: { at: 1 } },
    { output: Buffer.alloc(0), runMs: 7, batch: 1 },
  ];
  const parts = encodeRows(rows).map((part) => Buffer.from(part));
  expect(decodeRows(parts)).toEqual(rows);
  expect(decodeRows(encodeRows([]).map((part) => Buffer.from(part)))).toEqual([]);
  expect(() => decodeRows(parts.slice(0, -1))).toThrow(/2 rows with a table of 48 bytes/);
  expect(() => decodeRows([])).toThrow(RangeError);
});

test("heads: the same bytes are the same object", () => {
  const heads = new Heads<{ a: number }>();
  const parse = (text: string) => heads.parse(Buffer.from(text));
  const first = parse('{"a":1}');
  expect(first).toEqual({ a: 1 });
  expect(parse('{"a":1}')).toBe(first);
  expect(parse('{"a":2}')).toEqual({ a: 2 });
  expect(parse('{"a":1}')).toBe(first);
  for (let at = 0; at < 100; at += 1) expect(parse(`{"a":${at}}`)).toEqual({ a: at });
  expect(parse('{"a":1}')).toEqual({ a: 1 });
});
