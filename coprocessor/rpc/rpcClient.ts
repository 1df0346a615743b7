import { BaseError, type EIP1193RequestFn, RpcRequestError } from "viem";
import { z } from "zod";
import { CoprocessorError } from "../core/errors.ts";
import type { Log } from "../observe/port.ts";
import { openEndpoint, type RpcEndpoint } from "./rpcEndpoint.ts";
import { smallQuantity } from "./rpcSchemas.ts";

export interface RpcClientOptions {
  /** http(s) or ws(s) URLs of one chain, the preferred one first. */
  urls: readonly string[];
  /** Refuses endpoints of any other chain; when not given, the first endpoint that answers decides. */
  chainId?: number;
  log: Log;
  /** Milliseconds for one call; 10,000 when not given. */
  timeoutMs?: number;
  /** Milliseconds to wait at start for any endpoint to answer; 30,000 when not given. */
  connectTimeoutMs?: number;
}

/** What an endpoint said when it understood the call and declined it. */
export interface RpcRefusal {
  code: number;
  message: string;
  data: unknown;
}

/**
 * JSON-RPC to one chain through one or several endpoints, shared by the adapters that read and write the chain.
 *
 * The first endpoint that works is used; one that fails rests for a while (1 s, doubling to 30 s) and the next one
 * takes over. An endpoint is used only after it named the right chain id. Calls made in one tick travel in one HTTP
 * batch, so the same server answers them.
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
  /** Ends calls in flight and closes sockets. */
  close(): Promise<void>;
}

/** The refusal behind a `rpc/refused` error; null for every other error. */
export function rpcRefusal(error: unknown): RpcRefusal | null {
  if (!(error instanceof CoprocessorError) || error.code !== "rpc/refused") return null;
  return error.meta as unknown as RpcRefusal;
}

const FIRST_REST_MS = 1_000;
const LONGEST_REST_MS = 30_000;

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
  const closing = new AbortController();
  const endpoints = options.urls.map(
    (url) => new Endpoint(openEndpoint(url, options.timeoutMs ?? 10_000, closing.signal)),
  );
  let chainId = options.chainId;

  /** Asks an endpoint for its chain before its first use, and again after it failed. */
  async function verify(endpoint: Endpoint): Promise<void> {
    endpoint.verified ??= call(endpoint, smallQuantity, "eth_chainId", []).then((found) => {
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

  async function request<T>(answer: z.ZodType<T>, method: string, params: readonly unknown[]): Promise<T> {
    const failures: unknown[] = [];
    for (const endpoint of byPreference(endpoints, Date.now())) {
      if (closing.signal.aborted) break;
      let verified = false;
      try {
        await verify(endpoint);
        verified = true;
        const result = await call(endpoint, answer, method, params);
        endpoint.restMs = 0;
        return result;
      } catch (error) {
        // A refusal of the chain id is no answer to the call: the next endpoint may know better.
        if (rpcRefusal(error) && verified) throw error;
        failures.push(error);
        if (closing.signal.aborted) break;
        endpoint.rest(Date.now());
        const code = error instanceof CoprocessorError ? error.code : "rpc/failed";
        if (endpoints.length > 1) {
          log.warn(
            { code, endpoint: endpoint.link.label, method, restMs: endpoint.restMs, reason: reasonOf(error) },
            "RPC endpoint failed; trying the next one",
          );
        }
      }
    }
    const wrongChains = failures.filter(isWrongChain);
    if (wrongChains[0] && wrongChains.length === failures.length) throw wrongChains[0];
    const last = failures.at(-1);
    throw new CoprocessorError(`No RPC endpoint answered ${method}: ${reasonOf(last)}`, {
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

/** One endpoint and what this client remembers about it. */
class Endpoint {
  readonly link: RpcEndpoint;
  /** Settles when the endpoint has named its chain; null until it is asked. */
  verified: Promise<void> | null = null;
  /** Unix milliseconds before which others are preferred. */
  restUntilMs = 0;
  restMs = 0;

  constructor(link: RpcEndpoint) {
    this.link = link;
  }

  rest(nowMs: number): void {
    // Calls that failed together count once.
    if (nowMs >= this.restUntilMs)
      this.restMs = Math.min(Math.max(this.restMs * 2, FIRST_REST_MS), LONGEST_REST_MS);
    this.restUntilMs = nowMs + this.restMs;
    // Whoever answers there next may be another server.
    this.verified = null;
  }
}

/** Working endpoints in the given order, then the resting ones, the earliest to wake first: a last resort. */
function byPreference(endpoints: readonly Endpoint[], nowMs: number): Endpoint[] {
  const awake = endpoints.filter(({ restUntilMs }) => restUntilMs <= nowMs);
  const resting = endpoints.filter(({ restUntilMs }) => restUntilMs > nowMs);
  return [...awake, ...resting.sort((a, b) => a.restUntilMs - b.restUntilMs)];
}

async function call<T>(
  endpoint: Endpoint,
  answer: z.ZodType<T>,
  method: string,
  params: readonly unknown[],
): Promise<T> {
  let result: unknown;
  try {
    result = await (endpoint.link.request as EIP1193RequestFn)({ method, params } as never);
  } catch (error) {
    const refusal = refusalOf(error);
    if (!refusal || isRateLimit(refusal)) throw error;
    throw new CoprocessorError(`${method} was refused: ${refusal.message} (${refusal.code})`, {
      code: "rpc/refused",
      retry: "backoff",
      meta: { ...refusal, method },
      cause: error,
    });
  }
  const parsed = answer.safeParse(result);
  if (parsed.success) return parsed.data;
  throw new CoprocessorError(`${method} was answered with something else: ${z.prettifyError(parsed.error)}`, {
    code: "rpc/bad-answer",
    retry: "backoff",
    meta: { method, endpoint: endpoint.link.label },
    cause: parsed.error,
  });
}

const isWrongChain = (error: unknown): error is CoprocessorError =>
  error instanceof CoprocessorError && error.code === "chain/wrong-chain";

function refusalOf(error: unknown): RpcRefusal | null {
  if (!(error instanceof BaseError)) return null;
  const refusal = error.walk((inner) => inner instanceof RpcRequestError);
  if (!(refusal instanceof RpcRequestError)) return null;
  return { code: refusal.code, message: refusal.details || refusal.shortMessage, data: refusal.data };
}

/** Asking less often helps, asking for less does not: another endpoint should take the call. */
function isRateLimit({ code, message }: RpcRefusal): boolean {
  return code === 429 || /rate limit|too many requests|requests per|compute units|throughput/i.test(message);
}

function reasonOf(error: unknown): string {
  let deepest = error;
  while (deepest instanceof Error && deepest.cause instanceof Error) deepest = deepest.cause;
  if (deepest instanceof BaseError) return deepest.details || deepest.shortMessage;
  return deepest instanceof Error ? deepest.message : String(deepest);
}
