import { type Hex, keccak256, stringToHex } from "viem";
import { expect, test } from "vitest";
import { bloomHas, bloomOf, isEmptyBloom } from "../../../coprocessor/chain/logsBloom.ts";
import { startAnvil } from "../../../scripts/network/anvil.ts";
import { deployEmitters, emitterClient, redelivered } from "./emitter.ts";

const item = (name: string): Hex => keccak256(stringToHex(name));

test("bloom: has what made it, and mostly not what did not", () => {
  const logs = Array.from({ length: 20 }, (_, place) => ({
    address: `0x${item(`address ${place}`).slice(26)}` as Hex,
    topics: [item(`topic ${place}`)],
  }));
  const bloom = bloomOf(logs);
  for (const { address, topics } of logs)
    for (const one of [address, ...topics]) expect(bloomHas(bloom, one)).toBe(true);
  const strangers = Array.from({ length: 500 }, (_, place) => bloomHas(bloom, item(`stranger ${place}`)));
  expect(strangers.filter(Boolean).length).toBeLessThan(10);
  expect(isEmptyBloom(bloom)).toBe(false);
  expect(isEmptyBloom(bloomOf([]))).toBe(true);
});

test("bloom: a block's logs make the bloom that its header has", async () => {
  const anvil = await startAnvil({ noMining: true });
  try {
    const client = emitterClient(anvil.url);
    const deploying = deployEmitters(client);
    const { oracle } = await deploying;
    await client.mine({ blocks: 1 });
    for (const salt of [1, 2, 3])
      await client.sendTransaction({ to: oracle, data: redelivered(salt), gas: 60_000n });
    await client.mine({ blocks: 1 });
    const { hash, logsBloom } = await client.getBlock({ blockTag: "latest" });
    const logs = await client.getLogs({ blockHash: hash });
    expect(logs).toHaveLength(3);
    expect(bloomOf(logs)).toBe(logsBloom);
    expect(bloomOf(logs.slice(1))).not.toBe(logsBloom);
  } finally {
    await anvil.stop();
  }
});
