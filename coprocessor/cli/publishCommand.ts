import { readFile } from "node:fs/promises";
import { modelId as hashManifest, modelRegistryAbi, packProfile, parseManifest } from "@sibyl/sdk";
import { Command } from "commander";
import { parseEther } from "viem";
import { connectOwner } from "./ownerClient.ts";

export function publishCommand(): Command {
  return new Command("publish")
    .description("Publishes a model under OWNER_KEY's account. Needs RPC_URL, ORACLE_ADDRESS.")
    .argument("<manifest>", "path of manifest.json")
    .requiredOption("--uri <uri>", "where operators fetch the manifest; its files lie beside it")
    .requiredOption("--price <coins>", "price of one execution, in whole coins, for example 0.0001")
    .option("--price-per-kib <coins>", "price of each started KiB of input", "0")
    .option("--royalty-bps <bps>", "the publisher's part of each fee, in hundredths of a percent", "0")
    .action(
      async (
        path: string,
        options: { uri: string; price: string; pricePerKib: string; royaltyBps: string },
      ) => {
        const text = await readFile(path, "utf8");
        const manifest = parseManifest(text);
        const { name, version } = manifest;
        const modelId = hashManifest(JSON.parse(text));
        const owner = await connectOwner(process.env);
        const price = parseEther(options.price);
        const pricePerKiB = parseEther(options.pricePerKib);
        await owner.confirm(
          await owner.wallet.writeContract({
            address: owner.modelRegistry,
            abi: modelRegistryAbi,
            functionName: "publish",
            args: [
              modelId,
              options.uri,
              0,
              price,
              pricePerKiB,
              Number(options.royaltyBps),
              packProfile(manifest),
            ],
          }),
        );
        console.log(`published ${name} ${version} as ${modelId}`);
      },
    );
}
