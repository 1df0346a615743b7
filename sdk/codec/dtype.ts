import { WrongDtypeError } from "./errors.ts";

/**
 * Element types of tensors by ONNX `TensorProto.DataType` number. `bytes` is an element's size. Data is row-major and
 * little-endian, as in ONNX `raw_data`. Strings, complex numbers and types below a byte are not carried.
 */
export const DTYPES = {
  1: { name: "float32", bytes: 4, kind: "float" },
  2: { name: "uint8", bytes: 1, kind: "uint" },
  3: { name: "int8", bytes: 1, kind: "int" },
  4: { name: "uint16", bytes: 2, kind: "uint" },
  5: { name: "int16", bytes: 2, kind: "int" },
  6: { name: "int32", bytes: 4, kind: "int" },
  7: { name: "int64", bytes: 8, kind: "int" },
  9: { name: "bool", bytes: 1, kind: "bool" },
  10: { name: "float16", bytes: 2, kind: "float" },
  11: { name: "float64", bytes: 8, kind: "float" },
  12: { name: "uint32", bytes: 4, kind: "uint" },
  13: { name: "uint64", bytes: 8, kind: "uint" },
  16: { name: "bfloat16", bytes: 2, kind: "float" },
} as const;

export type DtypeCode = keyof typeof DTYPES;
export type Dtype = (typeof DTYPES)[DtypeCode];
export type DtypeName = Dtype["name"];

/** @throws WrongDtypeError when the code is none of `DTYPES`. */
export function dtypeOf(code: number): Dtype {
  const dtype = (DTYPES as Record<number, Dtype>)[code];
  if (!dtype) {
    throw new WrongDtypeError("The dtype is not supported.", {
      details: `${code} given, one of ${Object.keys(DTYPES).join(", ")} supported`,
    });
  }
  return dtype;
}

/** The ONNX number of a dtype's name. */
export function dtypeCode(name: DtypeName): DtypeCode {
  const entry = Object.entries(DTYPES).find(([, dtype]) => dtype.name === name);
  if (!entry) throw new WrongDtypeError("The dtype is not supported.", { details: name });
  return Number(entry[0]) as DtypeCode;
}

/** Reads one element; integers of 64 bits come as bigint, bools as 0 or 1. */
export function readElement(dtype: Dtype, view: DataView, offset: number): number | bigint {
  switch (dtype.name) {
    case "float32":
      return view.getFloat32(offset, true);
    case "float64":
      return view.getFloat64(offset, true);
    case "float16":
      return float16(view.getUint16(offset, true));
    case "bfloat16": {
      const wide = new DataView(new ArrayBuffer(4));
      wide.setUint32(0, view.getUint16(offset, true) * 0x1_0000);
      return wide.getFloat32(0);
    }
    case "int8":
      return view.getInt8(offset);
    case "int16":
      return view.getInt16(offset, true);
    case "int32":
      return view.getInt32(offset, true);
    case "int64":
      return view.getBigInt64(offset, true);
    case "uint16":
      return view.getUint16(offset, true);
    case "uint32":
      return view.getUint32(offset, true);
    case "uint64":
      return view.getBigUint64(offset, true);
    case "uint8":
    case "bool":
      return view.getUint8(offset);
  }
}

function float16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}
