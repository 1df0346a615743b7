import type { EIP1193RequestFn } from "viem";
import { z } from "zod";
import { CoprocessorError } from "../core/errors.ts";
import type { RpcEndpoint } from "./rpcEndpoint.ts";
import { isRateLimit, refusalOf } from "./rpcRefusal.ts";

/**
 * Asks one endpoint and checks the answer's shape.
 *
 * @throws CoprocessorError `rpc/refused` when it declined the call, `rpc/bad-answer` for another shape; whatever the
 * transport throws when the endpoint cannot be reached or wants to be asked less often.
 */
export async function callEndpoint<T>(
  endpoint: RpcEndpoint,
  answer: z.ZodType<T>,
  method: string,
  params: readonly unknown[],
): Promise<T> {
  let result: unknown;
  try {
    result = await (endpoint.request as EIP1193RequestFn)({ method, params } as never);
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
    meta: { method, endpoint: endpoint.label },
    cause: parsed.error,
  });
}
