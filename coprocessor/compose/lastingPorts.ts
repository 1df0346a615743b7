import type { Peers } from "../peers/port.ts";
import type { JobQueue } from "../queue/port.ts";
import type { Store } from "../store/port.ts";
import type { TransactionSender } from "../submit/port.ts";

/** The ports through which a node leaves traces that outlive it. */
export interface LastingPorts {
  store: Store;
  queue: JobQueue;
  peers: Peers;
  submit: TransactionSender;
}

/** Puts something around a port, for whoever wants to watch or to interrupt what goes through it. */
export type WrapPort = <Name extends keyof LastingPorts>(
  name: Name,
  port: LastingPorts[Name],
) => LastingPorts[Name];

export const asItIs: WrapPort = (_name, port) => port;
