import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Address, Hex } from "viem";
import { createServer } from "vite";
import type { ExampleContractName } from "../network/buildContracts.ts";
import { asker, deployer, privateKeyOf } from "../network/devAccounts.ts";
import { type Network, startNetwork } from "../network/startNetwork.ts";
import type { Teardown } from "../network/teardown.ts";

const ROOT = join(import.meta.dirname, "..", "..");

/** An example as it describes itself in its `example.ts`. */
export interface Example {
  /** Its folder below `examples`. */
  name: string;
  /** The model that it asks, by its folder below `models`. */
  model: string;
  /** Puts its contracts on a local chain; the addresses reach the page by these names. */
  deploy(chain: ExampleChain): Promise<Record<string, Address>>;
}

type ExampleContract = ExampleContractName | "MessageBoard";

/** What an example deploys with. */
export interface ExampleChain {
  oracle: Address;
  modelId: Hex;
  /** Seconds that a request may wait. */
  lifetimeSeconds: number;
  /** Of anvil's public accounts: the one that deploys, and the one that the page uses. */
  deployer: Address;
  user: Address;
  deployContract(name: ExampleContract, args: readonly unknown[]): Promise<Address>;
  /** Sends a transaction of the deployer. */
  send(
    name: ExampleContract,
    address: Address,
    functionName: string,
    args: readonly unknown[],
  ): Promise<void>;
}

/** What a page reads from `/network.json`. */
export interface PageNetwork {
  rpcUrl: string;
  chainId: number;
  oracle: Address;
  modelId: Hex;
  contracts: Record<string, Address>;
  /** Of one of anvil's public development accounts: worth nothing anywhere. */
  privateKey: Hex;
}

export interface ExampleOptions {
  teardown: Teardown;
  lifetimeSeconds: number;
  onStep?: (step: string) => void;
}

/** A local network with the example's contracts on it, and its page. */
export interface RunningExample {
  name: string;
  network: Network;
  page: PageNetwork;
  /** Where the page is. */
  url: string;
}

/** Starts a network with real operators, deploys an example on it and serves the example's page. */
export async function startExample(example: Example, options: ExampleOptions): Promise<RunningExample> {
  const { teardown, lifetimeSeconds, onStep = () => {} } = options;
  const network = await startNetwork({ teardown, onStep });
  onStep(`deploying ${example.name}`);
  const model =
    network.model.manifest.name === example.model ? network.model : await network.addModel(example.model);
  const { oracle } = network.protocol;
  const contracts = await example.deploy(
    chainOf(network, { oracle, modelId: model.modelId, lifetimeSeconds }),
  );
  const { rpcUrl, chain } = network.client;
  const page: PageNetwork = {
    rpcUrl,
    chainId: chain.id,
    oracle,
    modelId: model.modelId,
    contracts,
    privateKey: privateKeyOf(asker()),
  };
  onStep("starting the page");
  return { name: example.name, network, page, url: await servePage(example, page, teardown) };
}

function chainOf(
  { client, artifacts }: Network,
  facts: Pick<ExampleChain, "oracle" | "modelId" | "lifetimeSeconds">,
): ExampleChain {
  const account = deployer();
  const wallet = client.as(account);
  return {
    ...facts,
    deployer: account.address,
    user: asker().address,
    async deployContract(name, args) {
      const hash = await wallet.deployContract({ ...artifacts[name], args: [...args] });
      const { contractAddress } = await client.mined(hash, `deploying ${name}`);
      if (!contractAddress) throw new Error(`no address of ${name}`);
      return contractAddress;
    },
    async send(name, address, functionName, args) {
      const hash = await wallet.writeContract({ ...artifacts[name], address, functionName, args: [...args] });
      await client.mined(hash, `${name}.${functionName}`);
    },
  };
}

async function servePage(example: Example, page: PageNetwork, teardown: Teardown): Promise<string> {
  const folder = join(ROOT, "examples", example.name, "web");
  if (!existsSync(join(folder, "index.html"))) throw new Error(`no page in ${folder}`);
  teardown.assertRunning();
  const server = await createServer({
    root: folder,
    configFile: false,
    cacheDir: join(ROOT, ".cache", "vite", example.name),
    logLevel: "error",
    server: { host: "127.0.0.1", port: 0, fs: { allow: [ROOT] } },
    // Found late, they would reload the page in the middle of a visit.
    optimizeDeps: { include: ["viem", "viem/accounts", "viem/actions"] },
    plugins: [
      {
        name: "sibyl-network",
        configureServer({ middlewares }) {
          middlewares.use("/network.json", (_request, response) => {
            response.setHeader("content-type", "application/json");
            response.end(JSON.stringify(page));
          });
        },
      },
    ],
  });
  teardown.add("page", () => server.close());
  await server.listen();
  const url = server.resolvedUrls?.local[0];
  if (url === undefined) throw new Error("the page's server has no address");
  return url;
}
