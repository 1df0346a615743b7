import sharp from "sharp";

const SIDE = 28;

/** A digit as somebody photographs it: dark ink on paper, as PNG, and each pixel `scale` times as wide. */
export function digitPng(ink: Uint8Array, scale = 1): Promise<Buffer> {
  const paper = Uint8Array.from(ink, (level) => 255 - level);
  const side = SIDE * scale;
  const pixels = Uint8Array.from({ length: side * side }, (_, at) => {
    const [row, column] = [Math.floor(at / side / scale), Math.floor((at % side) / scale)];
    return paper[row * SIDE + column] as number;
  });
  return sharp(pixels, { raw: { width: side, height: side, channels: 1 } })
    .png({ compressionLevel: 9 })
    .toBuffer();
}
