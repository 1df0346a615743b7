import { createHmac, timingSafeEqual } from "node:crypto";
import { CoprocessorError } from "../core/errors.ts";
import type { InferenceJob, JobOutcome } from "./port.ts";

type Done = Extract<JobOutcome, { status: "done" }>;

/** What goes through the queue beside a payload, so that whoever has the secret knows who wrote it. */
export interface Sealed {
  seal?: string | undefined;
}

/**
 * Seals payloads with the secret that an operator's nodes and workers share: HMAC-SHA256 over the payload's fields, hex. A
 * large input or output counts with its bytes, wherever they wait.
 *
 * Redis can be reached by more than those two, and a job's outcome is what a node signs. A seal binds an outcome to its
 * job, so an outcome cannot be moved to another one. A failure is not sealed: whoever can write it could as well delete
 * the job. Without a secret nothing is sealed and nothing is checked.
 */
export class PayloadSeal {
  readonly #secret: string | null;

  constructor(secret: string | null) {
    this.#secret = secret;
  }

  sealJob(job: InferenceJob): InferenceJob & Sealed {
    return this.#secret === null ? job : { ...job, seal: this.#mac(jobText(job)) };
  }

  sealOutcome(job: InferenceJob, outcome: Done): Done & Sealed {
    return this.#secret === null ? outcome : { ...outcome, seal: this.#mac(outcomeText(job, outcome)) };
  }

  /** @throws CoprocessorError `queue/bad-seal` */
  checkJob(job: InferenceJob, { seal }: Sealed): void {
    this.#check(() => jobText(job), seal, `job ${job.key}`);
  }

  /** @throws CoprocessorError `queue/bad-seal` */
  checkOutcome(job: InferenceJob, outcome: Done, { seal }: Sealed): void {
    this.#check(() => outcomeText(job, outcome), seal, `the outcome of job ${job.key}`);
  }

  #check(text: () => string, seal: string | undefined, what: string): void {
    if (this.#secret === null) return;
    const given = Buffer.from(seal ?? "", "hex");
    const right = Buffer.from(this.#mac(text()), "hex");
    if (given.length === right.length && timingSafeEqual(given, right)) return;
    const fault = seal === undefined ? "has no seal" : "was sealed with another secret, or altered";
    throw new CoprocessorError(`${what} ${fault}; node and workers need the same QUEUE_SECRET`, {
      code: "queue/bad-seal",
      retry: "never",
    });
  }

  #mac(text: string): string {
    return createHmac("sha256", this.#secret as string)
      .update(text)
      .digest("hex");
  }
}

/** Whom a job is not for is left out: it only says who need not try. */
const jobText = ({ version, key, modelId, manifestURI, input, deadlineMs }: InferenceJob): string =>
  JSON.stringify(["sibyl job", version, key, modelId, manifestURI, input, deadlineMs]);

/** A name stands at the end, and only where there is one: workers of earlier releases have none. */
const outcomeText = (job: InferenceJob, { output, runtime, loadMs, runMs, worker }: Done): string =>
  JSON.stringify([
    ...["sibyl outcome", jobText(job), output, Object.entries(runtime).sort(), loadMs, runMs],
    ...(worker === undefined ? [] : [worker]),
  ]);
