import { OutOfRangeError, SibylError } from "./errors.ts";

/** One, as an 18-decimal fixed-point number. */
export const WAD = 10n ** 18n;
const DECIMALS = 18;

const INT256_LIMIT = 1n << 255n;
/** Where a double's bits are looked at. */
const bits = new DataView(new ArrayBuffer(8));

/** NaN or an infinity where a real number is needed; outputs never carry them. */
export class NotFiniteError extends SibylError {
  override readonly name: string = "NotFiniteError";
}

/** A string is no plain decimal number. */
export class InvalidDecimalError extends SibylError {
  override readonly name: string = "InvalidDecimalError";
}

/**
 * A number as WAD, correctly rounded: the double's exact binary value times 1e18, to the nearest integer, ties to
 * even. No step is done in floating point, so every platform gets the same integer.
 *
 * `toWad(0.1)` is 100000000000000006, because the double nearest to 0.1 is 0.1000000000000000055…; write
 * `parseWad("0.1")` for the decimal.
 *
 * @throws NotFiniteError on NaN and infinities.
 * @throws OutOfRangeError when the result does not fit an int256.
 */
export function toWad(value: number): bigint {
  const wad = exactWad(value);
  if (wad >= INT256_LIMIT || wad < -INT256_LIMIT) {
    throw new OutOfRangeError("fixed-point number", value, "an int256 of 18 decimals");
  }
  return wad;
}

/** As `toWad`, without the int256's limit: for comparing, not for encoding. */
export function exactWad(value: number): bigint {
  if (!Number.isFinite(value))
    throw new NotFiniteError("A real number must be finite.", { details: String(value) });
  bits.setFloat64(0, value);
  // Apart as numbers, which are much faster than bigints: sign and exponent above, 52 bits of fraction below.
  const high = bits.getUint32(0);
  const biased = (high >>> 20) & 0x7ff;
  const fraction = (high & 0xf_ffff) * 2 ** 32 + bits.getUint32(4);
  const mantissa = biased === 0 ? fraction : fraction + 2 ** 52;
  const exponent = (biased === 0 ? 1 : biased) - 1075;
  const scaled = BigInt(mantissa) * WAD;
  const magnitude =
    exponent >= 0 ? scaled << BigInt(exponent) : shiftRightTiesToEven(scaled, BigInt(-exponent));
  return high >>> 31 === 1 ? -magnitude : magnitude;
}

/**
 * The double nearest to a WAD number. Doubles carry about 16 digits, so more are lost.
 */
export function fromWad(wad: bigint): number {
  return Number(formatWad(wad));
}

/**
 * A plain decimal string ("-1.25") as WAD, exactly.
 *
 * @throws InvalidDecimalError on anything but digits with one point, or more than 18 decimals.
 * @throws OutOfRangeError when the result does not fit an int256.
 */
export function parseWad(decimal: string): bigint {
  const match = /^(-?)(\d{1,60})(?:\.(\d{1,18}))?$/.exec(decimal);
  if (!match) {
    throw new InvalidDecimalError("A decimal number is digits with at most 18 decimals.", {
      details: decimal,
    });
  }
  const [, sign, whole = "0", decimals = ""] = match;
  const magnitude = BigInt(whole) * WAD + BigInt(decimals.padEnd(18, "0"));
  const wad = sign === "-" ? -magnitude : magnitude;
  if (wad >= INT256_LIMIT || wad < -INT256_LIMIT) {
    throw new OutOfRangeError("fixed-point number", decimal, "an int256 of 18 decimals");
  }
  return wad;
}

/** A WAD number as a decimal string, exactly, without trailing zeros. */
export function formatWad(wad: bigint): string {
  const digits = String(wad < 0n ? -wad : wad).padStart(DECIMALS + 1, "0");
  const fraction = digits.slice(-DECIMALS).replace(/0+$/, "");
  return `${wad < 0n ? "-" : ""}${digits.slice(0, -DECIMALS)}${fraction === "" ? "" : `.${fraction}`}`;
}

function shiftRightTiesToEven(value: bigint, by: bigint): bigint {
  const quotient = value >> by;
  const remainder = value & ((1n << by) - 1n);
  const half = 1n << (by - 1n);
  const up = remainder > half || (remainder === half && (quotient & 1n) === 1n);
  return up ? quotient + 1n : quotient;
}
