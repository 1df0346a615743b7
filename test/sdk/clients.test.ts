import {
  expire,
  getRequest,
  type InferenceActions,
  inferenceActions,
  type OpenedRequest,
  type Quote,
  quote,
  type RequestResult,
  redeliver,
  requestInference,
  verifyOutput,
  waitForResult,
  watchRequests,
} from "@sibyl/sdk";
import {
  type Account,
  type Chain,
  type Client,
  createClient,
  createWalletClient,
  custom,
  type Transport,
} from "viem";
import { mainnet } from "viem/chains";
import { describe, expect, expectTypeOf, test } from "vitest";

const nobody = custom({ request: () => Promise.reject(new Error("nobody is asked")) });

/** What wagmi's `useClient` and `getClient` give: a client without any actions. */
type WagmiClient = Client<Transport, Chain>;
/** What its `useConnectorClient` and `getConnectorClient` give. */
type WagmiConnectorClient = Client<Transport, Chain, Account>;

describe("clients", () => {
  test("types: every reading action takes a bare client, as wagmi hands it out", () => {
    for (const action of [quote, getRequest, waitForResult, watchRequests, verifyOutput] as const)
      expectTypeOf<WagmiClient>().toExtend<Parameters<typeof action>[0]>();
    expectTypeOf<ReturnType<typeof quote>>().toEqualTypeOf<Promise<Quote>>();
    expectTypeOf<ReturnType<typeof waitForResult>>().toEqualTypeOf<Promise<RequestResult>>();
    expectTypeOf<ReturnType<typeof getRequest>>().resolves.toExtend<OpenedRequest>();
    expectTypeOf<ReturnType<typeof verifyOutput>>().toEqualTypeOf<Promise<boolean>>();
  });

  test("types: every sending action takes a connector's client", () => {
    for (const action of [requestInference, expire, redeliver] as const)
      expectTypeOf<WagmiConnectorClient>().toExtend<Parameters<typeof action>[0]>();
  });

  test("extend: the same methods on a bare client, a public one and a wallet's", () => {
    const oracle = "0x00000000000000000000000000000000000000aa";
    const bare = createClient({ chain: mainnet, transport: nobody }).extend(inferenceActions({ oracle }));
    const wallet = createWalletClient({ chain: mainnet, transport: nobody }).extend(
      inferenceActions({ oracle }),
    );
    expectTypeOf(bare).toExtend<InferenceActions>();
    expectTypeOf(wallet.requestInference).toEqualTypeOf<InferenceActions["requestInference"]>();
    const names = [
      "quote",
      "requestInference",
      "waitForResult",
      "watchRequests",
      "getRequest",
      "verifyOutput",
      "redeliver",
    ] as const;
    for (const name of names) {
      expect(bare[name]).toBeTypeOf("function");
      expect(wallet[name]).toBeTypeOf("function");
    }
  });
});
