import { judgeReceipt, type Receipt, type ReceiptVerdict } from "../core/receipt.ts";
import type { InferenceEngine } from "../inference/port.ts";
import type { ModelStore } from "../models/port.ts";

/**
 * Runs a receipt's request again, here, and compares.
 *
 * @throws what the model store and the engine throw.
 */
export async function verifyReceipt(
  { models, engine, timeoutMs }: { models: ModelStore; engine: InferenceEngine; timeoutMs: number },
  receipt: Receipt,
): Promise<ReceiptVerdict> {
  const model = await models.resolve(receipt.modelId, receipt.manifestURI);
  const second = await engine.run(model, receipt.input, { timeoutMs });
  return judgeReceipt(receipt, model.manifest, second);
}
