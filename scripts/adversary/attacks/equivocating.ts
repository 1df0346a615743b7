import { keccak256 } from "viem";
import { type Attack, THREE_OF_FOUR } from "../attack.ts";
import { wrongLabel } from "../falseOutput.ts";
import { randomHex } from "../random.ts";
import type { Voice } from "../seat.ts";

/** By turns two attestations in one view, the right one first or last, and two commitments. */
export const equivocator: Attack = {
  name: "equivocator",
  tries:
    "signs two outputs in one view, or two commitments, so that different operators hear different things",
  model: "spam-text",
  policy: THREE_OF_FOUR,
  seats: 1,
  play({ voices, random, manifest, transcript, peers }) {
    const [voice] = voices as [Voice];
    const revealed = new Set<string>();
    const salt = randomHex(random, 32);
    return {
      async asked({ requestId, reference, place }) {
        await voice.commit(requestId, reference, salt);
        if (place % 3 === 2) await voice.commit(requestId, wrongLabel(manifest, reference), salt);
      },
      async heard(message, { requestId, reference, place }) {
        if (message.kind !== "reveal" || revealed.has(requestId)) return;
        revealed.add(requestId);
        const [own] = transcript.commits(requestId).filter(({ operatorId }) => operatorId === voice.id);
        const commit = own ?? (await voice.commit(requestId, reference, salt));
        await voice.reveal(commit, reference, salt, transcript.commits(requestId));
        const right = keccak256(message.output);
        const wrong = keccak256(wrongLabel(manifest, reference));
        const hashes = place % 3 === 0 ? [wrong, right] : [right, wrong];
        const signed = await Promise.all(hashes.map((hash) => voice.attestation(requestId, hash, 0)));
        for (const message of signed) await peers.publish(message);
      },
    };
  },
};
