import { BaseError } from "viem";
import type { z } from "zod";
import { CoprocessorError } from "../core/errors.ts";
import type { Log, RpcCall } from "../observe/port.ts";
import { type Answer, agreementOf, disagreement } from "./agreement.ts";
import { callEndpoint } from "./callEndpoint.ts";
import { byPreference, EndpointHealth } from "./endpointHealth.ts";
import { openEndpoint, type RpcEndpoint } from "./rpcEndpoint.ts";
import { rpcRefusal } from "./rpcRefusal.ts";
import { smallQuantity } from "./rpcSchemas.ts";

export interface RpcClientOptions {
  /** http(s) or ws(s) URLs of one chain, the preferred one first. */
  urls: readonly string[];
  /** Refuses endpoints of any other chain; when not given, the first endpoint that answers decides. */
  chainId?: number;
  /** How many endpoints must say the same to `agreed`; 1 when not given, at most the number of URLs. */
  quorum?: number;
  log: Log;
  /** Told of every call of an endpoint, once it is over. */
  onCall?: (call: RpcCall) => void;
  /** Milliseconds for one call; 10,000 when not given. */
  timeoutMs?: number;
  /** Milliseconds to wait at start for any endpoint to answer; 30,000 when not given. */
  connectTimeoutMs?: number;
}

/**
 * JSON-RPC to one chain through one or several endpoints, shared by the adapters that read and write the chain.
 *
 * The first endpoint that works well is used; one that fails rests for a while (1 s, doubling to 30 s), one that has
 * become slow or unreliable loses its place (see `byPreference`), and the next one takes over. An endpoint is used only
 * after it named the right chain id. Calls made in one tick travel in one HTTP batch, so the same server answers them.
 */
export interface RpcClient {
  readonly chainId: number;
  /** Whether all endpoints are on this machine, so that asking often costs nothing. */
  readonly loopback: boolean;
  /**
   * Calls `method` and checks the answer's shape.
   *
   * @throws CoprocessorError `rpc/refused` when the endpoint declined the call (see `rpcRefusal`), `rpc/unreachable`
   * when no endpoint gave a usable answer.
   */
  request<T>(answer: z.ZodType<T>, method: string, params: readonly unknown[]): Promise<T>;
  /**
   * As `request`, for what must be true before the node acts on it: as many endpoints as `quorum` says gave this
   * answer. Endpoints that contradict the others are logged as `rpc/dissent` and rest.
   *
   * @throws CoprocessorError as `request` does, `rpc/disagreement` when no answer reaches the quorum,
   * `rpc/too-few-answers` when too few endpoints answer.
   */
  agreed<T>(answer: z.ZodType<T>, method: string, params: readonly unknown[]): Promise<T>;
  /** How the endpoints did lately, and what their clocks say. */
  health(): RpcHealth;
  /** Ends calls in flight and closes sockets. */
  close(): Promise<void>;
}

export interface RpcHealth {
  /** Endpoints that do not rest after a failure. */
  usable: number;
  /** The quorum. */
  needed: number;
  /** How far each usable server's clock is ahead of ours, milliseconds; without those that do not say. */
  serversAheadMs: number[];
}

/**
 * Connects to a chain.
 *
 * @throws CoprocessorError `rpc/unreachable` when no endpoint answers in time, `chain/wrong-chain` when all that
 * answer are of another chain.
 */
export async function connectRpc(options: RpcClientOptions): Promise<RpcClient> {
  const { log } = options;
  if (options.urls.length === 0) {
    throw new CoprocessorError("No RPC URL is given.", { code: "rpc/no-url", retry: "never" });
  }
  const quorum = options.quorum ?? 1;
  if (quorum < 1 || quorum > options.urls.length) {
    throw new CoprocessorError(`${quorum} endpoints cannot agree: ${options.urls.length} URLs are given.`, {
      code: "rpc/bad-quorum",
      retry: "never",
      meta: { quorum, urls: options.urls.length },
    });
  }
  const closing = new AbortController();
  const endpoints = options.urls.map(
    (url) => new Endpoint(openEndpoint(url, options.timeoutMs ?? 10_000, closing.signal)),
  );
  let chainId = options.chainId;

  /** Asks an endpoint for its chain before its first use, and again after it failed. */
  async function verify(endpoint: Endpoint): Promise<void> {
    endpoint.verified ??= callEndpoint(endpoint.link, smallQuantity, "eth_chainId", []).then((found) => {
      chainId ??= found;
      if (found !== chainId) {
        throw new CoprocessorError(
          `The RPC endpoint ${endpoint.link.label} serves chain ${found}; this node is configured for chain ${chainId}.`,
          {
            code: "chain/wrong-chain",
            retry: "never",
            meta: { endpoint: endpoint.link.label, found, expected: chainId },
          },
        );
      }
    });
    try {
      await endpoint.verified;
    } catch (error) {
      endpoint.verified = null;
      throw error;
    }
  }

  /** Asks one endpoint and remembers how it did. */
  async function ask<T>(
    endpoint: Endpoint,
    answer: z.ZodType<T>,
    method: string,
    params: readonly unknown[],
  ): Promise<Outcome<T>> {
    const startMs = Date.now();
    const over = (outcome: RpcCall["outcome"]) =>
      options.onCall?.({ endpoint: endpoint.link.host, method, outcome, durationMs: Date.now() - startMs });
    let verified = false;
    try {
      await verify(endpoint);
      verified = true;
      const value = await callEndpoint(endpoint.link, answer, method, params);
      endpoint.health.succeeded(Date.now() - startMs, Date.now());
      over("answered");
      return { type: "answered", value };
    } catch (error) {
      // A refusal of the chain id is no answer to the call: the next endpoint may know better.
      if (rpcRefusal(error) && verified) {
        over("refused");
        return { type: "refused", error };
      }
      if (closing.signal.aborted) return { type: "failed", error };
      over("failed");
      endpoint.rest(Date.now());
      const code = error instanceof CoprocessorError ? error.code : "rpc/failed";
      if (endpoints.length > 1) {
        const { restMs } = endpoint.health;
        log.warn(
          { code, endpoint: endpoint.link.label, method, restMs, reason: reasonOf(error) },
          "RPC endpoint failed; trying the next one",
        );
      }
      return { type: "failed", error };
    }
  }

  async function request<T>(answer: z.ZodType<T>, method: string, params: readonly unknown[]): Promise<T> {
    const failures: unknown[] = [];
    for (const endpoint of byPreference(endpoints, Date.now())) {
      if (closing.signal.aborted) break;
      const outcome = await ask(endpoint, answer, method, params);
      if (outcome.type === "answered") return outcome.value;
      if (outcome.type === "refused") throw outcome.error;
      failures.push(outcome.error);
    }
    throw unreachable(method, failures);
  }

  async function agreed<T>(answer: z.ZodType<T>, method: string, params: readonly unknown[]): Promise<T> {
    if (quorum === 1) return request(answer, method, params);
    const waiting = byPreference(endpoints, Date.now());
    const answers: Answer<T>[] = [];
    const failures: unknown[] = [];
    let refusal: unknown = null;
    // As many at once as must agree, in one tick, so that each gets its batch; then one more at a time.
    for (let next = waiting.splice(0, quorum); next.length > 0; next = waiting.splice(0, 1)) {
      if (closing.signal.aborted) break;
      const outcomes = await Promise.all(next.map((endpoint) => ask(endpoint, answer, method, params)));
      for (const [index, outcome] of outcomes.entries()) {
        const endpoint = (next[index] as Endpoint).link.label;
        if (outcome.type === "answered") answers.push({ endpoint, value: outcome.value });
        else if (outcome.type === "refused") refusal = outcome.error;
        else failures.push(outcome.error);
      }
      const result = agreementOf(answers, quorum, waiting.length === 0);
      if (result.type === "disagreement") throw disagreement(method, result.groups);
      if (result.type === "agreed") {
        for (const label of result.dissent) dismiss(label, method);
        return result.value;
      }
    }
    if (refusal !== null) throw refusal;
    if (answers.length === 0) throw unreachable(method, failures);
    throw new CoprocessorError(`${answers.length} of ${quorum} RPC endpoints answered ${method}.`, {
      code: "rpc/too-few-answers",
      retry: "backoff",
      meta: { method, answered: answers.map(({ endpoint }) => endpoint), quorum },
      cause: failures.at(-1),
    });
  }

  function dismiss(label: string, method: string): void {
    endpoints.find(({ link }) => link.label === label)?.rest(Date.now());
    log.error(
      { code: "rpc/dissent", endpoint: label, method },
      "an RPC endpoint contradicts the others; it is not believed",
    );
  }

  function unreachable(method: string, failures: unknown[]): unknown {
    const wrongChains = failures.filter(isWrongChain);
    if (wrongChains[0] && wrongChains.length === failures.length) return wrongChains[0];
    const last = failures.at(-1);
    return new CoprocessorError(`No RPC endpoint answered ${method}: ${reasonOf(last)}`, {
      code: "rpc/unreachable",
      retry: "backoff",
      meta: { method, endpoints: endpoints.map(({ link }) => link.label) },
      cause: last,
    });
  }

  await connectFirst();
  return {
    get chainId() {
      return chainId as number;
    },
    loopback: endpoints.every(({ link }) => link.loopback),
    request,
    agreed,
    health() {
      const usable = endpoints.filter(({ health }) => health.restsUntil(Date.now()) === null);
      const serversAheadMs = usable.flatMap(({ link }) => link.clockAheadMs() ?? []);
      return { usable: usable.length, needed: quorum, serversAheadMs };
    },
    async close() {
      closing.abort();
      await Promise.all(endpoints.map(({ link }) => link.close()));
    },
  };

  async function connectFirst(): Promise<void> {
    const endMs = Date.now() + (options.connectTimeoutMs ?? 30_000);
    for (let pauseMs = 100; ; pauseMs = Math.min(pauseMs * 2, 2_000)) {
      try {
        await request(smallQuantity, "eth_chainId", []);
        return;
      } catch (error) {
        const unreachable = error instanceof CoprocessorError && error.code === "rpc/unreachable";
        if (!unreachable || Date.now() + pauseMs > endMs) {
          await Promise.all(endpoints.map(({ link }) => link.close()));
          throw error;
        }
        log.warn(
          { code: "rpc/unreachable", pauseMs, reason: reasonOf(error) },
          "no RPC endpoint answers yet",
        );
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    }
  }
}

type Outcome<T> =
  | { type: "answered"; value: T }
  /** It understood the call and declined it. */
  | { type: "refused"; error: unknown }
  | { type: "failed"; error: unknown };

/** One endpoint and what this client remembers about it. */
class Endpoint {
  readonly link: RpcEndpoint;
  readonly health = new EndpointHealth();
  /** Settles when the endpoint has named its chain; null until it is asked. */
  verified: Promise<void> | null = null;

  constructor(link: RpcEndpoint) {
    this.link = link;
  }

  rest(nowMs: number): void {
    this.health.failed(nowMs);
    // Whoever answers there next may be another server.
    this.verified = null;
  }
}

const isWrongChain = (error: unknown): error is CoprocessorError =>
  error instanceof CoprocessorError && error.code === "chain/wrong-chain";

function reasonOf(error: unknown): string {
  let deepest = error;
  while (deepest instanceof Error && deepest.cause instanceof Error) deepest = deepest.cause;
  if (deepest instanceof BaseError) return deepest.details || deepest.shortMessage;
  return deepest instanceof Error ? deepest.message : String(deepest);
}
