import type { Account, Address, Chain, Client, Transport } from "viem";
import { checkConsumer } from "./actions/checkConsumer.ts";
import { checkOracle } from "./actions/checkOracle.ts";
import { expire } from "./actions/expire.ts";
import { getRequest } from "./actions/getRequest.ts";
import { getRequestStatus } from "./actions/getRequestStatus.ts";
import { getResult } from "./actions/getResult.ts";
import { quote } from "./actions/quote.ts";
import { redeliver } from "./actions/redeliver.ts";
import { requestInference } from "./actions/requestInference.ts";
import { verifyOutput } from "./actions/verifyOutput.ts";
import { waitForAnswer } from "./actions/waitForAnswer.ts";
import { waitForResult } from "./actions/waitForResult.ts";
import { watchRequests } from "./actions/watchRequests.ts";

type Bound<Action> = Action extends (client: never, parameters: infer Parameters) => infer Result
  ? (parameters: Omit<Parameters, "oracle">) => Result
  : never;

/**
 * The SDK's actions as methods of a client, bound to one oracle. A type and not an interface, because viem's `extend`
 * takes only what has an index signature.
 */
export type InferenceActions = {
  checkConsumer: Bound<typeof checkConsumer>;
  checkOracle: () => Promise<void>;
  quote: Bound<typeof quote>;
  getRequest: Bound<typeof getRequest>;
  getRequestStatus: Bound<typeof getRequestStatus>;
  getResult: Bound<typeof getResult>;
  waitForAnswer: Bound<typeof waitForAnswer>;
  waitForResult: Bound<typeof waitForResult>;
  watchRequests: Bound<typeof watchRequests>;
  verifyOutput: Bound<typeof verifyOutput>;
  /** Named so because a viem client's own `request` is its JSON-RPC call. Needs an account. */
  requestInference: Bound<typeof requestInference>;
  /** Needs an account. */
  expire: Bound<typeof expire>;
  /** Needs an account. */
  redeliver: Bound<typeof redeliver>;
};

/**
 * Extends a public or wallet client: `createPublicClient({…}).extend(inferenceActions({ oracle }))`.
 *
 * Apps that count bytes import the actions one by one instead, each taking the client first.
 */
export function inferenceActions({ oracle }: { oracle: Address }) {
  return (client: Client<Transport, Chain | undefined, Account | undefined>): InferenceActions => ({
    checkConsumer: (parameters) => checkConsumer(client, { ...parameters, oracle }),
    checkOracle: () => checkOracle(client, { oracle }),
    quote: (parameters) => quote(client, { ...parameters, oracle }),
    getRequest: (parameters) => getRequest(client, { ...parameters, oracle }),
    getRequestStatus: (parameters) => getRequestStatus(client, { ...parameters, oracle }),
    getResult: (parameters) => getResult(client, { ...parameters, oracle }),
    waitForAnswer: (parameters) => waitForAnswer(client, { ...parameters, oracle }),
    waitForResult: (parameters) => waitForResult(client, { ...parameters, oracle }),
    watchRequests: (parameters) => watchRequests(client, { ...parameters, oracle }),
    verifyOutput: (parameters) => verifyOutput(client, { ...parameters, oracle }),
    requestInference: (parameters) => requestInference(client, { ...parameters, oracle }),
    expire: (parameters) => expire(client, { ...parameters, oracle }),
    redeliver: (parameters) => redeliver(client, { ...parameters, oracle }),
  });
}
