import type { Address, Hex } from "viem";

/** All that a statement's signature is over, beside the oracle that it is bound to, and the signature itself. */
export type SignedStatement = { requestId: Hex; signature: Hex } & (
  | { commitment: Hex }
  | { outputHash: Hex; view: number }
);

/**
 * Remembers who signed what operators say: a commitment comes by itself and again in every reveal of its request, and
 * everything is said again while its request is open.
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
  signerOf(statement: SignedStatement): Address | undefined {
    return this.#signers.get(named(statement));
  }

  /** Only for signers that may speak: then it costs a stranger more than a signature to push out what is here. */
  remember(statement: SignedStatement, signer: Address): void {
    if (this.#signers.size >= this.#most) {
      const [oldest] = this.#signers.keys();
      if (oldest !== undefined) this.#signers.delete(oldest);
    }
    this.#signers.set(named(statement), signer);
  }
}

/** To the letter: another case is only checked anew. */
function named(statement: SignedStatement): string {
  const said =
    "commitment" in statement ? statement.commitment : `${statement.outputHash}/${statement.view}/`;
  return `${statement.requestId}${said}${statement.signature}`;
}
