/** The public face of `@sibyl/coprocessor`: run an operator inside another program. */

export type { Coprocessor } from "./compose/coprocessor.ts";
export { type GossipListener, type GossipListenerOptions, listenToGossip } from "./compose/gossipListener.ts";
export { nodeJobOptions, openJobQueue } from "./compose/jobQueue.ts";
export { type OracleConfig, readOracles } from "./config/oraclesConfig.ts";
export { type Config, readConfig } from "./config.ts";
export { CoprocessorError } from "./core/errors.ts";
export type { PeerMessage } from "./core/messages.ts";
export { PROVIDERS, type Provider, type RuntimeFingerprint, runtimeText } from "./core/runtime.ts";
export { startCoprocessor, startNode } from "./main.ts";
export type { RequestExplanation, SeatExplanation } from "./pipeline/explain.ts";
export type { InferenceJob, JobOutcome, JobQueue } from "./queue/port.ts";
export { openWorkbench, type Workbench, type WorkbenchOptions } from "./workbench.ts";
