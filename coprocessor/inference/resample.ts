/** Pixels row by row, channels interleaved. */
export interface Raster {
  width: number;
  height: number;
  channels: number;
  data: Uint8Array;
}

/** A part of a raster, in pixels; sides and place need not be whole. */
export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** What makes one pixel of a line: `weights[k]` of the pixel `first + k`. */
interface Tap {
  first: number;
  weights: Float64Array;
}

/**
 * Resizes a part of a raster: bilinear, and when it gets smaller over as many pixels as fall together.
 *
 * In doubles, one operation after the other, so every machine gets the same pixels. libvips chooses its arithmetic by
 * the processor.
 */
export function resample(source: Raster, box: Box, width: number, height: number): Raster {
  const { channels, data } = source;
  const columns = tapsOf(box.left, box.width, source.width, width);
  const rows = tapsOf(box.top, box.height, source.height, height);
  const [firstRow, lastRow] = [rows[0] as Tap, rows[height - 1] as Tap];
  const top = firstRow.first;
  const kept = lastRow.first + lastRow.weights.length - top;
  // Lines first; only those that some row of the result reads.
  const narrow = new Float64Array(kept * width * channels);
  for (let y = 0, to = 0; y < kept; y += 1) {
    const line = (top + y) * source.width;
    for (const { first, weights } of columns) {
      for (let channel = 0; channel < channels; channel += 1, to += 1) {
        let sum = 0;
        for (
          let k = 0, at = (line + first) * channels + channel;
          k < weights.length;
          k += 1, at += channels
        ) {
          sum += (weights[k] as number) * (data[at] as number);
        }
        narrow[to] = sum;
      }
    }
  }
  const result = new Uint8Array(width * height * channels);
  const stride = width * channels;
  for (let y = 0, to = 0; y < height; y += 1) {
    const { first, weights } = rows[y] as Tap;
    for (let x = 0; x < stride; x += 1, to += 1) {
      let sum = 0;
      for (let k = 0, at = (first - top) * stride + x; k < weights.length; k += 1, at += stride) {
        sum += (weights[k] as number) * (narrow[at] as number);
      }
      result[to] = Math.min(255, Math.max(0, Math.floor(sum + 0.5)));
    }
  }
  return { width, height, channels, data: result };
}

function tapsOf(start: number, length: number, available: number, count: number): Tap[] {
  const scale = length / count;
  const reach = Math.max(1, scale);
  return Array.from({ length: count }, (_, at) => {
    const centre = start + (at + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - reach + 0.5));
    const end = Math.min(available, Math.max(first + 1, Math.floor(centre + reach + 0.5)));
    const weights = Float64Array.from({ length: end - first }, (_tap, k) =>
      Math.max(0, 1 - Math.abs(first + k + 0.5 - centre) / reach),
    );
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}
