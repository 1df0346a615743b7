/** Width and height of what the model reads. */
export const SIDE = 28;
/** The digits that the model learnt from lie in a box of so many pixels. */
const BOX = 20;

/** Grey values row by row, 0 for paper, 255 for ink. */
export interface Drawing {
  width: number;
  height: number;
  ink: Uint8Array;
}

/**
 * Brings a drawing into the form that the model learnt: scaled into a box of 20 by 20 pixels, and moved so that its
 * centre of mass is the middle of 28 by 28.
 *
 * @returns 784 grey values, or null if there is no ink.
 */
export function normalised(drawing: Drawing): Uint8Array | null {
  const bounds = boundsOf(drawing);
  if (bounds === null) return null;
  const size = Math.max(bounds.right - bounds.left, bounds.bottom - bounds.top);
  const scale = BOX / size;
  const boxWidth = Math.max(1, Math.round((bounds.right - bounds.left) * scale));
  const boxHeight = Math.max(1, Math.round((bounds.bottom - bounds.top) * scale));
  const box = shrunk(drawing, bounds, boxWidth, boxHeight);
  const { x, y } = centreOf(box, boxWidth, boxHeight);
  const left = within(Math.round(SIDE / 2 - x), SIDE - boxWidth);
  const top = within(Math.round(SIDE / 2 - y), SIDE - boxHeight);
  const pixels = new Uint8Array(SIDE * SIDE);
  for (let row = 0; row < boxHeight; row += 1) {
    pixels.set(box.subarray(row * boxWidth, (row + 1) * boxWidth), (top + row) * SIDE + left);
  }
  return pixels;
}

interface Bounds {
  left: number;
  top: number;
  /** Exclusive. */
  right: number;
  bottom: number;
}

function boundsOf({ width, height, ink }: Drawing): Bounds | null {
  const bounds = { left: width, top: height, right: 0, bottom: 0 };
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      if (ink[y * width + x] === 0) continue;
      bounds.left = Math.min(bounds.left, x);
      bounds.right = Math.max(bounds.right, x + 1);
      bounds.top = Math.min(bounds.top, y);
      bounds.bottom = Math.max(bounds.bottom, y + 1);
    }
  }
  return bounds.right === 0 ? null : bounds;
}

/** Each small pixel is the mean of the large ones that it covers; parts of pixels count as parts. */
function shrunk(
  { width, ink }: Drawing,
  { left, top, right, bottom }: Bounds,
  columns: number,
  rows: number,
): Uint8Array {
  const small = new Uint8Array(columns * rows);
  const [stepX, stepY] = [(right - left) / columns, (bottom - top) / rows];
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const [x0, y0] = [left + column * stepX, top + row * stepY];
      let sum = 0;
      for (let y = Math.floor(y0); y < y0 + stepY && y < bottom; y += 1) {
        for (let x = Math.floor(x0); x < x0 + stepX && x < right; x += 1) {
          sum += (ink[y * width + x] ?? 0) * overlap(x, x0, stepX) * overlap(y, y0, stepY);
        }
      }
      small[row * columns + column] = Math.min(255, Math.round(sum / (stepX * stepY)));
    }
  }
  return small;
}

/** How much of the pixel at `at` lies between `start` and `start + length`. */
function overlap(at: number, start: number, length: number): number {
  return Math.max(0, Math.min(at + 1, start + length) - Math.max(at, start));
}

function centreOf(pixels: Uint8Array, columns: number, rows: number): { x: number; y: number } {
  let [mass, x, y] = [0, 0, 0];
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const grey = pixels[row * columns + column] ?? 0;
      mass += grey;
      x += grey * (column + 0.5);
      y += grey * (row + 0.5);
    }
  }
  // Ink so thin that nothing of it is left: then its box's middle.
  return mass === 0 ? { x: columns / 2, y: rows / 2 } : { x: x / mass, y: y / mass };
}

function within(value: number, highest: number): number {
  return Math.max(0, Math.min(highest, value));
}
