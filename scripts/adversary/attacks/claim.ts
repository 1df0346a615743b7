import type { CommitMessage, PeerMessage } from "@sibyl/coprocessor/testing";
import { type Hex, keccak256 } from "viem";
import type { Asked, AttackContext, Cheat } from "../attack.ts";
import { randomHex } from "../random.ts";
import type { Voice } from "../seat.ts";

/** How a cheat plays its part with an output that it did not compute honestly. */
export interface Claim {
  output(asked: Asked, context: AttackContext): Hex;
  /** Puts its own output forward once others revealed. */
  proposes?: boolean;
  /** Signs its own output, or whatever the honest ones sign: that is how it would be paid. */
  attests(asked: Asked): "own" | "theirs";
}

/**
 * Goes through commitment and reveal as everybody does, with an output of its own making, and then signs what pays.
 */
export function claiming(context: AttackContext, claim: Claim): Cheat {
  const [voice] = context.voices as [Voice];
  const parts = new Map<
    Hex,
    { output: Hex; salt: Hex; commit: CommitMessage; revealed: boolean; signed: boolean }
  >();
  return {
    async asked(asked) {
      const output = claim.output(asked, context);
      const salt = randomHex(context.random, 32);
      const commit = await voice.commit(asked.requestId, output, salt);
      parts.set(asked.requestId, { output, salt, commit, revealed: false, signed: false });
    },
    async heard(message, asked) {
      const part = parts.get(asked.requestId);
      if (part === undefined) return;
      const { requestId } = asked;
      if (message.kind === "reveal" && !part.revealed) {
        part.revealed = true;
        await voice.reveal(part.commit, part.output, part.salt, context.transcript.commits(requestId));
        if (claim.proposes === true) {
          const reveals = context.transcript.reveals(requestId).map(({ operatorId }) => operatorId);
          await voice.propose(requestId, part.output, 0, [...new Set([...reveals, voice.id])]);
        }
        if (claim.attests(asked) === "own") {
          part.signed = true;
          await voice.attest(requestId, keccak256(part.output), 0);
        }
      }
      const signing = signedHash(message);
      if (signing !== null && !part.signed) {
        part.signed = true;
        await voice.attest(requestId, signing.outputHash, signing.view);
      }
    },
  };
}

/** What an attestation or a proposal signs. */
export function signedHash(message: PeerMessage): { outputHash: Hex; view: number } | null {
  if (message.kind === "attestation") return { outputHash: message.outputHash, view: message.view };
  if (message.kind === "proposal") return { outputHash: keccak256(message.output), view: message.view };
  return null;
}
