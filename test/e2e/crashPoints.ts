import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LastingPorts, WrapPort } from "../../coprocessor/compose/lastingPorts.ts";
import type { Store } from "../../coprocessor/store/port.ts";

/** Where a node can be killed: each stage's boundary, after one lasting trace and before the next. */
export const CRASH_POINTS = [
  "after the request is stored",
  "after the job is queued",
  "after the output is stored",
  "after the commitment is stored and before it is sent",
  "after the reveal is stored and before it is sent",
  "after the attestation is stored and before it is sent",
  "after the proposal is stored and before it is sent",
  "after the settlement is planned",
  "after the nonce is taken and before the broadcast",
  "after the broadcast and before it is recorded",
  "after the settlement is mined and before that is recorded",
] as const;
export type CrashPoint = (typeof CRASH_POINTS)[number];

const STORED: Record<string, CrashPoint> = {
  commit: "after the commitment is stored and before it is sent",
  reveal: "after the reveal is stored and before it is sent",
  attestation: "after the attestation is stored and before it is sent",
  proposal: "after the proposal is stored and before it is sent",
};

/** Has the first node that comes to a point die there. */
export const arm = (folder: string, point: CrashPoint): void => writeFileSync(join(folder, point), "");

/** kill -9 of ourselves, if the point is armed and nobody else was there first. */
function dieAt(folder: string, point: CrashPoint): void {
  try {
    renameSync(join(folder, point), join(folder, `${point} (${process.pid})`));
  } catch {
    return;
  }
  process.kill(process.pid, "SIGKILL");
}

/** Puts the crash points into a node's ports. */
export function crashAt(folder: string): WrapPort {
  const die = (point: CrashPoint) => dieAt(folder, point);
  const wrappers: { [Name in keyof LastingPorts]: (port: LastingPorts[Name]) => LastingPorts[Name] } = {
    store: (store) => crashingStore(store, die),
    queue: (queue) =>
      around(queue, {
        async add(job) {
          await queue.add(job);
          die("after the job is queued");
        },
      }),
    peers: (peers) => peers,
    submit: (sender) =>
      around(sender, {
        async broadcast(raw) {
          await sender.broadcast(raw);
          die("after the broadcast and before it is recorded");
        },
      }),
  };
  return (name, port) => wrappers[name](port);
}

/** What happened inside a transaction has lasted only once that is over. */
function crashingStore(store: Store, die: (point: CrashPoint) => void): Store {
  return around(store, {
    async transaction(work) {
      const passed = new Set<CrashPoint>();
      const result = await store.transaction((inside) => work(noting(inside, passed)));
      for (const point of passed) die(point);
      return result;
    },
    async write(write) {
      const written = await store.write(write);
      if (write.move?.to === "computed" && written.record !== null) die("after the output is stored");
      const point = STORED[write.statement?.slot.split("/")[0] ?? ""];
      if (point !== undefined) die(point);
      return written;
    },
    async insertOutbox(entry) {
      const inserted = await store.insertOutbox(entry);
      die("after the settlement is planned");
      return inserted;
    },
    async updateOutbox(entry, from) {
      if (entry.state === "mined") die("after the settlement is mined and before that is recorded");
      return store.updateOutbox(entry, from);
    },
  });
}

function noting(store: Store, passed: Set<CrashPoint>): Store {
  return around(store, {
    async insertRequests(records) {
      const inserted = await store.insertRequests(records);
      if (inserted.length > 0) passed.add("after the request is stored");
      return inserted;
    },
    async nextNonce(floor) {
      const nonce = await store.nextNonce(floor);
      passed.add("after the nonce is taken and before the broadcast");
      return nonce;
    },
  });
}

/** The same port, with some of its methods replaced. */
function around<Port extends object>(port: Port, replaced: Partial<Port>): Port {
  return new Proxy(port, {
    get(target, name) {
      const method = Reflect.get(replaced, name) ?? Reflect.get(target, name);
      return typeof method === "function" && !(name in replaced) ? method.bind(target) : method;
    },
  });
}
