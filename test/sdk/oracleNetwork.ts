import {
  attestationTypedData,
  attesterConsentTypedData,
  encodeSettle,
  modelRegistryAbi,
  type OpenedRequest,
  operatorRegistryAbi,
  outputHash,
  packProfile,
} from "@sibyl/sdk";
import { createTestClient, type Hex, http, parseEther, type TestClient } from "viem";
import { startAnvil } from "../../scripts/network/anvil.ts";
import { buildContracts } from "../../scripts/network/buildContracts.ts";
import { type ChainClient, chainClient } from "../../scripts/network/chainClient.ts";
import { deployProtocol, type Protocol } from "../../scripts/network/deployProtocol.ts";
import { operatorAttester, operatorOwner, publisher } from "../../scripts/network/devAccounts.ts";
import { Teardown } from "../../scripts/network/teardown.ts";

export const OPERATORS = 3;
export const PRICE = { perExecution: 10n ** 15n, perKiB: 10n ** 12n };

/** The real contracts on anvil, a published model, and three operators whose keys the test holds. */
export interface OracleNetwork extends Protocol {
  client: ChainClient;
  test: TestClient;
  modelId: Hex;
  /** Settles as operators 1 and 2 would, in view 0; returns the transaction's hash. */
  settle(request: OpenedRequest, output: Hex): Promise<Hex>;
  stop(): Promise<void>;
}

export async function startOracleNetwork(modelId: Hex): Promise<OracleNetwork> {
  const teardown = new Teardown();
  const artifacts = await buildContracts(teardown);
  const anvil = await startAnvil({ args: ["--accounts", "20"] });
  teardown.add("anvil", () => anvil.stop());
  const client = chainClient(anvil.url, anvil.chainId);
  const test = createTestClient({ chain: client.chain, mode: "anvil", transport: http(anvil.url) });
  const protocol = await deployProtocol(client, artifacts);

  const published = await client.as(publisher()).writeContract({
    abi: modelRegistryAbi,
    address: protocol.modelRegistry,
    functionName: "publish",
    args: [
      modelId,
      "file:///model",
      0,
      PRICE.perExecution,
      PRICE.perKiB,
      500,
      packProfile({ output: { codec: "scalar" }, profile: { kind: "exact" } }),
    ],
  });
  await client.mined(published, "publish");
  for (let place = 0; place < OPERATORS; place++) await join(client, protocol, modelId, place);
  // Seats count for requests from the next second on.
  await test.increaseTime({ seconds: 2 });
  await test.mine({ blocks: 1 });

  return {
    ...protocol,
    client,
    test,
    modelId,
    stop: () => teardown.run(),
    async settle(request, output) {
      // The draw needs the hash of the request's own block, so one block more.
      await test.mine({ blocks: 1 });
      const message = { requestHash: request.requestId, outputHash: outputHash(output), view: 0 };
      const scope = { chainId: anvil.chainId, oracle: protocol.oracle };
      const attestations = await Promise.all(
        // In the wrong order: encoding sorts them.
        [1, 0].map(async (place) => ({
          operatorId: place + 1,
          signature: await operatorAttester(place).signTypedData(attestationTypedData(scope, message)),
        })),
      );
      const data = encodeSettle(request.words, output, 0, attestations);
      const hash = await client.as(publisher()).sendTransaction({ to: protocol.oracle, data });
      await client.mined(hash, "settle");
      return hash;
    },
  };
}

async function join(client: ChainClient, protocol: Protocol, modelId: Hex, place: number): Promise<void> {
  const [owner, attester] = [operatorOwner(place), operatorAttester(place)];
  const consent = await attester.signTypedData(
    attesterConsentTypedData(
      { chainId: client.chain.id, registry: protocol.operatorRegistry },
      { owner: owner.address, attester: attester.address },
    ),
  );
  const registry = { abi: operatorRegistryAbi, address: protocol.operatorRegistry } as const;
  const registered = await client.as(owner).writeContract({
    ...registry,
    functionName: "register",
    args: [attester.address, consent, "/ip4/127.0.0.1/tcp/1"],
    value: parseEther("1"),
  });
  await client.mined(registered, "register");
  const enrolled = await client
    .as(owner)
    .writeContract({ ...registry, functionName: "enroll", args: [modelId] });
  await client.mined(enrolled, "enroll");
}
