import { describe, expect, test } from "vitest";
import { type Drawing, normalised, SIDE } from "../web/drawing.ts";

/** A canvas of 280 by 280 with one filled rectangle. */
function rectangle(left: number, top: number, width: number, height: number): Drawing {
  const ink = new Uint8Array(280 * 280);
  for (let y = top; y < top + height; y += 1) ink.fill(255, y * 280 + left, y * 280 + left + width);
  return { width: 280, height: 280, ink };
}

const inkAt = (pixels: Uint8Array | null) =>
  [...(pixels ?? [])].flatMap((grey, at) =>
    grey > 0 ? [{ x: at % SIDE, y: Math.floor(at / SIDE), grey }] : [],
  );

describe("normalised", () => {
  test("blank: no ink is no drawing", () => {
    expect(normalised({ width: 280, height: 280, ink: new Uint8Array(280 * 280) })).toBeNull();
  });

  test.each([
    ["in a corner", rectangle(0, 0, 20, 100)],
    ["in the other corner", rectangle(260, 180, 20, 100)],
    ["large", rectangle(110, 0, 56, 280)],
  ])("a bar %s: becomes 4 by 20 full pixels in the middle", (_, drawing) => {
    const ink = inkAt(normalised(drawing));
    expect(ink).toHaveLength(80);
    expect(ink.every(({ grey }) => grey === 255)).toBe(true);
    expect([Math.min(...ink.map(({ x }) => x)), Math.max(...ink.map(({ x }) => x))]).toEqual([12, 15]);
    expect([Math.min(...ink.map(({ y }) => y)), Math.max(...ink.map(({ y }) => y))]).toEqual([4, 23]);
  });

  test("edges between small pixels: a part of a pixel is a part of its grey", () => {
    // 20 small rows for 210 rows: each covers 10.5, and the bar is 3 small columns of 10.5 wide.
    const ink = inkAt(normalised(rectangle(30, 30, 26, 210)));
    expect(ink).toHaveLength(2 * 20);
    const half = rectangle(30, 30, 26, 210);
    for (let y = 30; y < 240; y += 1) half.ink.fill(128, y * 280 + 30, y * 280 + 56);
    expect(new Set(inkAt(normalised(half)).map(({ grey }) => grey))).toEqual(new Set([128]));
  });

  test("a dot: is still ink within the image", () => {
    const ink = inkAt(normalised(rectangle(279, 279, 1, 1)));
    expect(ink).toHaveLength(400);
  });

  test("heavy on one side: the centre of mass is in the middle, and nothing is cut off", () => {
    const drawing = rectangle(40, 40, 60, 200);
    for (let y = 40; y < 100; y += 1) drawing.ink.fill(255, y * 280 + 100, y * 280 + 240);
    const ink = inkAt(normalised(drawing));
    const mass = ink.reduce((sum, { grey }) => sum + grey, 0);
    const x = ink.reduce((sum, { x, grey }) => sum + grey * (x + 0.5), 0) / mass;
    expect(Math.abs(x - 14)).toBeLessThan(0.75);
    expect(Math.max(...ink.map(({ x }) => x)) - Math.min(...ink.map(({ x }) => x))).toBe(19);
  });
});
