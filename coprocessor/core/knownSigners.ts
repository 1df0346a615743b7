import type { Address } from "viem";
import type { CommitMessage } from "./messages.ts";

/**
 * Remembers who signed commitments: each comes by itself, and again in every reveal of its request.
 *
 * In memory, at most `most`; the oldest goes first, and is then only checked again.
 */
export class KnownSigners {
  readonly #most: number;
  /** Oldest first: a Map keeps the order of insertion. */
  readonly #signers = new Map<string, Address>();

  /** @param most About 400 bytes each. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Undefined when it has to be recovered. */
  signerOf(commit: CommitMessage): Address | undefined {
    return this.#signers.get(named(commit));
  }

  /** Only for signers that may speak: then it costs a stranger more than a signature to push out what is here. */
  remember(commit: CommitMessage, signer: Address): void {
    if (this.#signers.size >= this.#most) {
      const [oldest] = this.#signers.keys();
      if (oldest !== undefined) this.#signers.delete(oldest);
    }
    this.#signers.set(named(commit), signer);
  }
}

/** All that a commitment's signature is over, and the signature, to the letter: another case is only checked anew. */
const named = ({ requestId, commitment, signature }: CommitMessage): string =>
  `${requestId}${commitment}${signature}`;
