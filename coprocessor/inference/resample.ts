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

/** What makes each pixel of a line: of the one at a place `weights[from..to]`, of the pixels from `first` on. */
interface Taps {
  /** By place. */
  first: Int32Array;
  /** Where a place's weights begin, and one place further where they end. */
  from: Int32Array;
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
  const top = rows.first[0] as number;
  const kept = (rows.first[height - 1] as number) + lengthAt(rows, height - 1) - top;
  // Lines first; only those that some row of the result reads.
  const stride = width * channels;
  const narrow = new Float64Array(kept * stride);
  const { first, from, weights } = columns;
  for (let y = 0, to = 0; y < kept; y += 1) {
    const line = (top + y) * source.width;
    for (let x = 0; x < width; x += 1) {
      const start = (line + (first[x] as number)) * channels;
      const end = from[x + 1] as number;
      for (let channel = 0; channel < channels; channel += 1, to += 1) {
        let sum = 0;
        for (let k = from[x] as number, at = start + channel; k < end; k += 1, at += channels) {
          sum += (weights[k] as number) * (data[at] as number);
        }
        narrow[to] = sum;
      }
    }
  }
  const result = new Uint8Array(height * stride);
  for (let y = 0, to = 0; y < height; y += 1) {
    const start = ((rows.first[y] as number) - top) * stride;
    const end = rows.from[y + 1] as number;
    for (let x = 0; x < stride; x += 1, to += 1) {
      let sum = 0;
      for (let k = rows.from[y] as number, at = start + x; k < end; k += 1, at += stride) {
        sum += (rows.weights[k] as number) * (narrow[at] as number);
      }
      result[to] = Math.min(255, Math.max(0, Math.floor(sum + 0.5)));
    }
  }
  return { width, height, channels, data: result };
}

function tapsOf(start: number, length: number, available: number, count: number): Taps {
  const scale = length / count;
  const reach = Math.max(1, scale);
  const first = new Int32Array(count);
  const from = new Int32Array(count + 1);
  const weights: number[] = [];
  for (let at = 0; at < count; at += 1) {
    const centre = start + (at + 0.5) * scale;
    const begin = Math.max(0, Math.floor(centre - reach + 0.5));
    const end = Math.min(available, Math.max(begin + 1, Math.floor(centre + reach + 0.5)));
    let sum = 0;
    for (let pixel = begin; pixel < end; pixel += 1) {
      const weight = Math.max(0, 1 - Math.abs(pixel + 0.5 - centre) / reach);
      weights.push(weight);
      sum += weight;
    }
    for (let k = from[at] as number; k < weights.length; k += 1) weights[k] = (weights[k] as number) / sum;
    first[at] = begin;
    from[at + 1] = weights.length;
  }
  return { first, from, weights: Float64Array.from(weights) };
}

const lengthAt = ({ from }: Taps, at: number): number => (from[at + 1] as number) - (from[at] as number);
