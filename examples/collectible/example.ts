import { parseEther, parseGwei } from "viem";
import type { Example } from "../../scripts/example/startExample.ts";

export const collectible: Example = {
  name: "collectible",
  model: "digits",
  async deploy(chain) {
    const settings = {
      policy: { committeeSize: 3, quorum: 3, challengeWindow: 0 },
      callbackGasLimit: 250_000,
      lifetimeSeconds: chain.lifetimeSeconds,
      maxGasPrice: parseGwei("20"),
      maxFee: parseEther("0.01"),
    };
    const args = [chain.oracle, chain.modelId, settings];
    return { collectible: await chain.deployContract("Collectible", args) };
  },
};
