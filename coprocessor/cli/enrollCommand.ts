import { operatorRegistryAbi } from "@sibyl/sdk";
import { Command } from "commander";
import type { Hex } from "viem";
import { connectOwner } from "./ownerClient.ts";

export function enrollCommand(): Command {
  return new Command("enroll")
    .description("Takes a seat for a model with OWNER_KEY's operator. Needs RPC_URL, ORACLE_ADDRESS.")
    .argument("<modelId>", "the model's content address")
    .action(async (modelId: string) => {
      const owner = await connectOwner(process.env);
      await owner.confirm(
        await owner.wallet.writeContract({
          address: owner.operatorRegistry,
          abi: operatorRegistryAbi,
          functionName: "enroll",
          args: [modelId as Hex],
        }),
      );
      console.log(`enrolled for ${modelId}; requests count the seat after the activation delay`);
    });
}
