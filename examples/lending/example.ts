import { parseEther, parseGwei } from "viem";
import type { Example } from "../../scripts/example/startExample.ts";

/** Days of prices to start with: the model looks back on sixty. */
const DAYS = 90;

export const lending: Example = {
  name: "lending",
  model: "drawdown",
  async deploy(chain) {
    const prices = await chain.deployContract("PriceHistory", [chain.deployer]);
    const dollar = await chain.deployContract("DemoDollar", []);
    const settings = {
      policy: { committeeSize: 3, quorum: 3, challengeWindow: 0 },
      callbackGasLimit: 150_000,
      lifetimeSeconds: chain.lifetimeSeconds,
      maxGasPrice: parseGwei("20"),
      maxFee: parseEther("0.01"),
    };
    const lender = await chain.deployContract("Lending", [
      chain.oracle,
      chain.modelId,
      prices,
      dollar,
      settings,
    ]);
    await chain.send("DemoDollar", dollar, "setLender", [lender]);
    await chain.send("PriceHistory", prices, "record", [madeUpCloses()]);
    return { lending: lender, prices };
  },
};

/** Made up, always the same: a price of 2,000 dollars that wanders, by about a percent a day. */
function madeUpCloses(): bigint[] {
  let seed = 7;
  let close = 2_000;
  return Array.from({ length: DAYS }, () => {
    // A linear congruential generator; what matters is only that it repeats.
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    close *= 1 + (seed / 2 ** 31 - 0.47) * 0.03;
    return parseEther(close.toFixed(2));
  });
}
