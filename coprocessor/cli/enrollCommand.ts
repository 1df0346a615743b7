import { readFile } from "node:fs/promises";
import { modelId as hashManifest, modelRegistryAbi, operatorRegistryAbi, parseManifest } from "@sibyl/sdk";
import { Command } from "commander";
import type { Hex } from "viem";
import { CoprocessorError } from "../core/errors.ts";
import { checkProfile } from "../core/modelProfile.ts";
import { connectOwner } from "./ownerClient.ts";

export function enrollCommand(): Command {
  return new Command("enroll")
    .description("Takes a seat for a model with OWNER_KEY's operator. Needs RPC_URL, ORACLE_ADDRESS.")
    .argument("<modelId>", "the model's content address")
    .option("--manifest <path>", "its manifest.json; refuses if outputs are compared otherwise on chain")
    .action(async (argument: string, options: { manifest?: string }) => {
      const modelId = argument.toLowerCase() as Hex;
      const owner = await connectOwner(process.env);
      if (options.manifest !== undefined) {
        const registered = await owner.publicClient.readContract({
          address: owner.modelRegistry,
          abi: modelRegistryAbi,
          functionName: "profileOf",
          args: [modelId],
        });
        await checkManifest(modelId, options.manifest, registered);
      }
      await owner.confirm(
        await owner.wallet.writeContract({
          address: owner.operatorRegistry,
          abi: operatorRegistryAbi,
          functionName: "enroll",
          args: [modelId],
        }),
      );
      console.log(`enrolled for ${modelId}; requests count the seat after the activation delay`);
    });
}

async function checkManifest(modelId: Hex, path: string, registered: bigint): Promise<void> {
  const manifest = parseManifest(await readFile(path, "utf8"));
  const actual = hashManifest(manifest);
  if (actual !== modelId) {
    throw new CoprocessorError(`${path} is the manifest of ${actual}, not of ${modelId}`, {
      code: "model/hash-mismatch",
      retry: "never",
      meta: { path, actual, modelId },
    });
  }
  checkProfile(modelId, manifest, registered);
}
