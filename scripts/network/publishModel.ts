import { modelRegistryAbi, packProfile } from "@sibyl/sdk";
import { type Address, parseEther } from "viem";
import type { ChainClient } from "./chainClient.ts";
import { publisher } from "./devAccounts.ts";
import type { ServedModel } from "./serveModels.ts";

/** The chain's native coin. */
const NATIVE_TOKEN = 0;

/** Wei for one operator's run, and for each started KiB of its input. */
export const LOCAL_PRICE = { perExecution: parseEther("0.0001"), perKiB: parseEther("0.00001") };

/** Publishes a model for good: id, where its manifest is, the price of a run, how outputs compare. */
export async function publishModel(
  client: ChainClient,
  modelRegistry: Address,
  model: ServedModel,
): Promise<void> {
  const hash = await client.as(publisher()).writeContract({
    abi: modelRegistryAbi,
    address: modelRegistry,
    functionName: "publish",
    args: [
      model.modelId,
      model.manifestURI,
      NATIVE_TOKEN,
      LOCAL_PRICE.perExecution,
      LOCAL_PRICE.perKiB,
      1_000,
      packProfile(model.manifest),
    ],
  });
  await client.mined(hash, `publishing ${model.manifest.name}`);
}
