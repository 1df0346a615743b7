import type { CommitMessage, PeerMessage, RevealMessage } from "@sibyl/coprocessor/testing";
import type { Hex } from "viem";

/** What was heard about each request, each thing once. */
export class Transcript {
  readonly #heard = new Map<Hex, PeerMessage[]>();
  readonly #seen = new Set<string>();

  /** False for what was heard before. */
  add(message: PeerMessage): boolean {
    const name = JSON.stringify(message);
    if (this.#seen.has(name)) return false;
    this.#seen.add(name);
    this.#heard.set(message.requestId, [...this.of(message.requestId), message]);
    return true;
  }

  of(requestId: Hex): readonly PeerMessage[] {
    return this.#heard.get(requestId) ?? [];
  }

  commits(requestId: Hex): CommitMessage[] {
    return this.of(requestId).filter((message): message is CommitMessage => message.kind === "commit");
  }

  reveals(requestId: Hex): RevealMessage[] {
    return this.of(requestId).filter((message): message is RevealMessage => message.kind === "reveal");
  }

  all(): PeerMessage[] {
    return [...this.#heard.values()].flat();
  }
}
