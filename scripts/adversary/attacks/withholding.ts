import type { CommitMessage } from "@sibyl/coprocessor/testing";
import type { Hex } from "viem";
import { type Attack, THREE_OF_FOUR, UNANIMOUS } from "../attack.ts";
import { randomHex } from "../random.ts";
import type { Voice } from "../seat.ts";
import { signedHash } from "./claim.ts";

export const silent: Attack = {
  name: "silent",
  tries: "has a seat and says nothing",
  model: "iris",
  policy: THREE_OF_FOUR,
  seats: 1,
  play: () => ({}),
};

export const neverReveals: Attack = {
  name: "commit-never-reveal",
  tries: "commits, reads the others' answers, and keeps its own to itself",
  model: "iris",
  policy: THREE_OF_FOUR,
  seats: 1,
  play({ voices, random }) {
    const [voice] = voices as [Voice];
    return {
      async asked({ requestId, reference }) {
        await voice.commit(requestId, reference, randomHex(random, 32));
      },
    };
  },
};

/** The same where its answer is needed: it can only be replaced. */
export const neverRevealsAmongThree: Attack = {
  ...neverReveals,
  name: "commit-never-reveal-unanimous",
  tries: "commits and never reveals where all three must agree, to keep the others from an answer",
  policy: UNANIMOUS,
};

export const late: Attack = {
  name: "late",
  tries: "commits, reveals and signs only when the others have done so already",
  model: "iris",
  policy: THREE_OF_FOUR,
  seats: 1,
  // It did the work: where it comes in time to stand in, it may be paid.
  withinProfile: true,
  play({ voices, random, transcript }) {
    const [voice] = voices as [Voice];
    const begun = new Map<Hex, { commit: Promise<CommitMessage>; salt: Hex; revealed: boolean }>();
    const signed = new Set<Hex>();
    return {
      async heard(message, { requestId, reference }) {
        if (message.kind === "reveal" && !begun.has(requestId)) {
          const salt = randomHex(random, 32);
          begun.set(requestId, { commit: voice.commit(requestId, reference, salt), salt, revealed: false });
        }
        const part = begun.get(requestId);
        const signing = signedHash(message);
        if (part === undefined || signing === null) return;
        if (!part.revealed) {
          part.revealed = true;
          await voice.reveal(await part.commit, reference, part.salt, transcript.commits(requestId));
        }
        if (signed.has(requestId)) return;
        signed.add(requestId);
        await voice.attest(requestId, signing.outputHash, signing.view);
      },
    };
  },
};
