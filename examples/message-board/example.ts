import { parseEther, parseGwei } from "viem";
import type { Example } from "../../scripts/example/startExample.ts";

export const messageBoard: Example = {
  name: "message-board",
  model: "spam-text",
  async deploy(chain) {
    const settings = {
      policy: { committeeSize: 3, quorum: 3, challengeWindow: 0 },
      callbackGasLimit: 100_000,
      lifetimeSeconds: chain.lifetimeSeconds,
      maxGasPrice: parseGwei("20"),
      maxFee: parseEther("0.01"),
    };
    return { board: await chain.deployContract("MessageBoard", [chain.oracle, chain.modelId, settings]) };
  },
};
