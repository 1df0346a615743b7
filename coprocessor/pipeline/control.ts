import type { Hex } from "viem";
import { CoprocessorError } from "../core/errors.ts";
import { impliedState } from "../core/impliedState.ts";
import { type RequestKey, type RequestRecord, type RequestState, requestKey } from "../core/request.ts";
import type { PipelineDeps } from "./deps.ts";
import { park } from "./park.ts";

type ControlDeps = Pick<
  PipelineDeps,
  "scope" | "store" | "queue" | "waiting" | "workload" | "log" | "now" | "clock" | "wake"
>;

/** Before anything about a request was said, nobody is let down by giving it up. */
const UNSAID: readonly RequestState[] = ["waiting", "queued"];

/**
 * Takes a parked request up again, where what was said and computed about it left off: the operator has mended what kept us
 * from answering it.
 *
 * @throws CoprocessorError `request/unknown`, `request/not-parked`, `request/too-late`
 */
export async function retryParked(deps: ControlDeps, requestId: Hex): Promise<RequestState> {
  const record = await find(deps, requestId);
  const { key, state, deadline } = record;
  if (state !== "parked") throw refused("request/not-parked", record, `is ${state}, and not parked`);
  const lateMs = deps.clock.now(deps.now()) - deadline * 1_000;
  if (lateMs >= 0)
    throw refused(
      "request/too-late",
      record,
      `is over: its deadline passed ${Math.ceil(lateMs / 1_000)} s ago`,
    );
  const slots = (await deps.store.statements(key)).map(({ slot }) => slot);
  const resumed = impliedState(slots, record.output !== null);
  await deps.store.transition(key, ["parked"], resumed, { reason: null });
  deps.log.info(
    { requestId, state: resumed, parkedFor: record.reason },
    "a parked request is taken up again",
  );
  deps.wake(key);
  return resumed;
}

/**
 * Gives a request up that nothing was said about yet; others may answer it. Its job leaves the queue, or what comes of it is
 * ignored.
 *
 * @throws CoprocessorError `request/unknown`, `request/not-droppable`
 */
export async function dropRequest(deps: ControlDeps, requestId: Hex): Promise<void> {
  const record = await find(deps, requestId);
  const { key, state } = record;
  if (!UNSAID.includes(state))
    throw refused(
      "request/not-droppable",
      record,
      `is ${state}; only what is ${UNSAID.join(" or ")} can be dropped`,
    );
  await park(deps, key, UNSAID, "operator/dropped: the operator gave it up");
  await deps.queue.remove(key);
}

async function find({ scope, store }: ControlDeps, requestId: Hex): Promise<RequestRecord> {
  const key: RequestKey = requestKey(scope.chainId, scope.oracle, requestId);
  const record = await store.request(key);
  if (record !== null) return record;
  throw new CoprocessorError(`this node has no request ${requestId}: not drawn, or not seen yet`, {
    code: "request/unknown",
    retry: "never",
    meta: { requestId },
  });
}

const refused = (code: string, { requestId, state }: RequestRecord, fact: string): CoprocessorError =>
  new CoprocessorError(`request ${requestId} ${fact}`, { code, retry: "never", meta: { requestId, state } });
