import { z } from "zod";
import { addressHex, hash32, hexData, quantity, smallQuantity } from "../rpc/rpcSchemas.ts";

/** A log as an RPC endpoint tells it. Pending logs (no block) do not pass. */
export const rawLog = z.object({
  address: addressHex,
  topics: z.array(hash32).max(4),
  data: hexData,
  blockNumber: quantity,
  blockHash: hash32,
  transactionHash: hash32,
  logIndex: smallQuantity,
  removed: z.boolean().optional(),
});

export type RawLog = z.infer<typeof rawLog>;

/** A block's header as an RPC endpoint tells it. Pending blocks (no hash) do not pass. */
export const rawBlock = z
  .object({
    number: quantity,
    hash: hash32,
    parentHash: hash32,
    timestamp: smallQuantity,
    logsBloom: hexData.default("0x"),
  })
  .nullable();
