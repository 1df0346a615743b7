import type { PeerMessage } from "@sibyl/coprocessor";
import { attestationTypedData, commitTypedData } from "@sibyl/sdk";
import { type Address, type Hex, isAddressEqual, keccak256, recoverTypedDataAddress } from "viem";

interface Scope {
  chainId: number;
  oracle: Address;
}

/** Something signed: an operator said `said` in a slot that holds one saying only. */
interface Statement {
  operatorId: number;
  requestId: Hex;
  /** `commit`, or `attestation/<view>`. */
  slot: string;
  /** The commitment, or the output's hash. */
  said: Hex;
  signature: Hex;
}

/** Two sayings of one operator that exclude each other. */
export interface Equivocation {
  operatorId: number;
  requestId: Hex;
  slots: [string, string];
  said: [Hex, Hex];
}

/**
 * Every statement that was heard, whoever passed it on: the harness's own memory of who signed what.
 *
 * Only what the operator's own attester signed counts, so nobody can be blamed with a forgery.
 */
export class StatementBook {
  readonly #scope: Scope;
  readonly #attesterOf: (operatorId: number) => Address | undefined;
  readonly #isExact: (requestId: Hex) => boolean;
  readonly #statements = new Map<string, Statement>();

  /** @param isExact Whether a request is for a model whose outputs must be the same bytes. */
  constructor(
    scope: Scope,
    attesterOf: (operatorId: number) => Address | undefined,
    isExact: (requestId: Hex) => boolean,
  ) {
    this.#scope = scope;
    this.#attesterOf = attesterOf;
    this.#isExact = isExact;
  }

  hear(message: PeerMessage): void {
    for (const statement of statementsIn(message)) {
      const { requestId, operatorId, slot, said } = statement;
      this.#statements.set(`${requestId}/${operatorId}/${slot}/${said}`, statement);
    }
  }

  /** Statements whose signature is the operator's own. */
  async signed(): Promise<Statement[]> {
    const all = [...this.#statements.values()];
    const genuine = await Promise.all(all.map((statement) => this.#isGenuine(statement)));
    return all.filter((_, index) => genuine[index]);
  }

  async equivocations(): Promise<Equivocation[]> {
    const found: Equivocation[] = [];
    const bySlot = new Map<string, Statement>();
    for (const statement of await this.signed()) {
      const { requestId, operatorId, slot, said } = statement;
      // An exact model has one right answer, so its views are one slot.
      const place = slot.startsWith("attestation/") && this.#isExact(requestId) ? "attestation" : slot;
      const name = `${requestId}/${operatorId}/${place}`;
      const first = bySlot.get(name);
      if (first === undefined) bySlot.set(name, statement);
      else if (first.said !== said)
        found.push({ operatorId, requestId, slots: [first.slot, slot], said: [first.said, said] });
    }
    return found;
  }

  async #isGenuine({ operatorId, requestId, slot, said, signature }: Statement): Promise<boolean> {
    const attester = this.#attesterOf(operatorId);
    if (attester === undefined) return false;
    const typedData =
      slot === "commit"
        ? commitTypedData(this.#scope, { requestHash: requestId, commitment: said })
        : attestationTypedData(this.#scope, {
            requestHash: requestId,
            outputHash: said,
            view: Number(slot.slice("attestation/".length)),
          });
    try {
      return isAddressEqual(await recoverTypedDataAddress({ ...typedData, signature } as never), attester);
    } catch {
      return false;
    }
  }
}

function statementsIn(message: PeerMessage): Statement[] {
  const { requestId, operatorId } = message;
  switch (message.kind) {
    case "commit":
      return [
        { requestId, operatorId, slot: "commit", said: message.commitment, signature: message.signature },
      ];
    case "reveal":
      return message.commits.flatMap(statementsIn);
    case "proposal":
    case "attestation": {
      const said = message.kind === "proposal" ? keccak256(message.output) : message.outputHash;
      const slot = `attestation/${message.view}`;
      return [{ requestId, operatorId, slot, said, signature: message.signature }];
    }
  }
}
