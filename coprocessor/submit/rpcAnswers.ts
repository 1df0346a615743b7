import { z } from "zod";
import { addressHex, hash32, hexData, quantity } from "../rpc/rpcSchemas.ts";

export const feeHistory = z.object({
  /** One more than blocks asked for: the last is the next block's. */
  baseFeePerGas: z.array(quantity).min(1),
  /** Per block, one value per percentile asked for; absent where blocks are empty or rewards unknown. */
  reward: z.array(z.array(quantity)).nullish(),
});

export const receipt = z
  .object({
    blockNumber: quantity,
    blockHash: hash32,
    status: quantity,
    gasUsed: quantity,
    effectiveGasPrice: quantity,
    logs: z.array(z.object({ address: addressHex, topics: z.array(hash32), data: hexData })),
  })
  .nullable();
