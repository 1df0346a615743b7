import { createHash } from "node:crypto";
import { join } from "node:path";
import sharp from "sharp";
import { type NpmPackage, npmPackage } from "../npmPackage.ts";
import { heldOutChapters } from "../textSource.ts";

/** Bitstream Vera licence and public domain. */
const FONTS: NpmPackage = {
  name: "dejavu-fonts-ttf",
  version: "2.37.3",
  sha256: "b7013ac58f9225250619db82cfb72e99c37ca8195f2b5a06a9e6a95bc5e1c84a",
};
const FACES = [
  { file: "DejaVuSans.ttf", name: "DejaVu Sans" },
  { file: "DejaVuSerif.ttf", name: "DejaVu Serif" },
  { file: "DejaVuSansMono.ttf", name: "DejaVu Sans Mono" },
  { file: "DejaVuSans-Bold.ttf", name: "DejaVu Sans Bold" },
  { file: "DejaVuSerif-Italic.ttf", name: "DejaVu Serif Italic" },
];

/** How a line looks. */
export interface Look {
  face: number;
  /** Type size in points at 72 dots per inch, so also in pixels. */
  size: number;
  /** Grey levels. */
  ink: number;
  paper: number;
  /** Widest change of a pixel by noise, in grey levels. */
  grain: number;
}

export interface Line {
  text: string;
  look: Look;
}

/**
 * Lines as they stand in books and on invoices, the same every time: two thirds from chapters of Moby Dick, one third
 * numbers, dates and amounts.
 */
export async function sampleLines(count: number): Promise<Line[]> {
  const words = (await heldOutChapters())
    .join(" ")
    .split(/\s+/)
    .filter((word) => /^[\x21-\x7e]+$/.test(word));
  return Array.from({ length: count }, (_, index) => {
    const draw = drawsOf(`ocr-line ${index}`);
    const start = draw(words.length - 8);
    const text = index % 3 === 2 ? figures(draw) : words.slice(start, start + 2 + draw(5)).join(" ");
    return { text, look: lookOf(draw) };
  });
}

function figures(draw: (below: number) => number): string {
  const two = (number: number) => String(number).padStart(2, "0");
  switch (draw(4)) {
    case 0:
      return `Invoice ${2015 + draw(12)}-${1000 + draw(9000)}`;
    case 1:
      return `${2015 + draw(12)}-${two(1 + draw(12))}-${two(1 + draw(28))}`;
    case 2:
      return `Total: ${draw(90)},${100 + draw(900)}.${two(draw(100))} EUR`;
    default:
      return `Order no. ${10000 + draw(90000)} of ${1 + draw(28)}.${1 + draw(12)}.${2015 + draw(12)}`;
  }
}

function lookOf(draw: (below: number) => number): Look {
  return {
    face: draw(FACES.length),
    size: 18 + draw(23),
    ink: draw(80),
    paper: 190 + draw(66),
    grain: draw(3) * 12,
  };
}

/** Whole numbers below a bound that follow from a seed. */
function drawsOf(seed: string): (below: number) => number {
  let count = 0;
  return (below) => {
    const digest = createHash("sha256").update(`${seed} ${count++}`).digest();
    return Math.floor((digest.readUIntBE(0, 6) / 2 ** 48) * below);
  };
}

/** A line as a grey PNG with a small margin. */
export async function renderLine({ text, look }: Line): Promise<Buffer> {
  const face = FACES[look.face];
  if (!face) throw new Error(`there is no face ${look.face}`);
  const fontfile = join(await npmPackage(FONTS), "ttf", face.file);
  const escaped = text.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);
  const { data, info } = await sharp({
    text: { text: escaped, font: `${face.name} ${look.size}`, fontfile, dpi: 72 },
  })
    .extractChannel(0)
    .raw()
    .toBuffer({ resolveWithObject: true });
  const margin = Math.ceil(look.size / 4);
  const [width, height] = [info.width + 2 * margin, info.height + 2 * margin];
  const pixels = new Uint8Array(width * height);
  let noise = createHash("sha256").update(text).digest();
  for (let at = 0; at < pixels.length; at += 1) {
    if (at % noise.length === 0) noise = createHash("sha256").update(noise).digest();
    const [x, y] = [(at % width) - margin, Math.floor(at / width) - margin];
    const inside = x >= 0 && x < info.width && y >= 0 && y < info.height;
    const cover = inside ? (data[y * info.width + x] as number) / 255 : 0;
    const grain = (((noise[at % noise.length] as number) - 127.5) / 127.5) * look.grain;
    pixels[at] = Math.min(255, Math.max(0, Math.round(look.paper + (look.ink - look.paper) * cover + grain)));
  }
  return sharp(pixels, { raw: { width, height, channels: 1 } })
    .png({ compressionLevel: 9 })
    .toBuffer();
}
