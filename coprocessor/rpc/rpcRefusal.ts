import { BaseError, RpcRequestError } from "viem";
import { CoprocessorError } from "../core/errors.ts";

/** What an endpoint said when it understood the call and declined it. */
export interface RpcRefusal {
  code: number;
  message: string;
  data: unknown;
}

/** The refusal behind a `rpc/refused` error; null for every other error. */
export function rpcRefusal(error: unknown): RpcRefusal | null {
  if (!(error instanceof CoprocessorError) || error.code !== "rpc/refused") return null;
  return error.meta as unknown as RpcRefusal;
}

/** The refusal behind an error of the transport. */
export function refusalOf(error: unknown): RpcRefusal | null {
  if (!(error instanceof BaseError)) return null;
  const refusal = error.walk((inner) => inner instanceof RpcRequestError);
  if (!(refusal instanceof RpcRequestError)) return null;
  return { code: refusal.code, message: refusal.details || refusal.shortMessage, data: refusal.data };
}

/** Asking less often helps, asking for less does not: another endpoint should take the call. */
export function isRateLimit({ code, message }: RpcRefusal): boolean {
  return code === 429 || /rate limit|too many requests|requests per|compute units|throughput/i.test(message);
}
