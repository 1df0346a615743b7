import fc from "fast-check";
import { expect, test } from "vitest";
import { type Raster, resample } from "../../../coprocessor/inference/resample.ts";

const grey = (width: number, height: number, data: readonly number[]): Raster => ({
  width,
  height,
  channels: 1,
  data: Uint8Array.from(data),
});
const whole = ({ width, height }: Raster) => ({ left: 0, top: 0, width, height });

test("same size: the same pixels", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 9 }),
      fc.infiniteStream(fc.nat(255)),
      (w, h, stream) => {
        const source = grey(w, h, [...take(stream, w * h)]);
        expect(resample(source, whole(source), w, h)).toEqual(source);
      },
    ),
  );
});

test("one colour: stays one colour at any size", () => {
  fc.assert(
    fc.property(
      fc.nat(255),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 40 }),
      (level, w, h) => {
        const source = grey(7, 5, Array(35).fill(level));
        expect(new Set(resample(source, whole(source), w, h).data)).toEqual(new Set([level]));
      },
    ),
  );
});

test("half the size: means of what falls together, with a share of the neighbours", () => {
  const source = grey(4, 1, [0, 0, 200, 200]);
  // Taps of the left pixel: 0.375, 0.375, 0.125 of what there is, so 200 counts a seventh.
  expect([...resample(source, whole(source), 2, 1).data]).toEqual([29, 171]);
});

test("a part: only its pixels count", () => {
  const source = grey(4, 2, [1, 2, 3, 4, 5, 6, 7, 8]);
  expect([...resample(source, { left: 1, top: 1, width: 2, height: 1 }, 2, 1).data]).toEqual([6, 7]);
});

function* take<T>(stream: Iterable<T>, count: number): Generator<T> {
  let taken = 0;
  for (const item of stream) {
    if (taken++ === count) return;
    yield item;
  }
}
