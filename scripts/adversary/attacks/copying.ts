import { createWire, NONCE_BYTES, openRawGossip, type RawGossip } from "@sibyl/coprocessor/testing";
import { attestationTypedData, commitTypedData } from "@sibyl/sdk";
import { type Hex, keccak256 } from "viem";
import { type Attack, type AttackContext, THREE_OF_FOUR } from "../attack.ts";
import { randomOutput } from "../falseOutput.ts";
import { randomBytes, randomHex } from "../random.ts";
import type { Voice } from "../seat.ts";
import { signedHash } from "./claim.ts";

/** Waits until an answer can be copied; by turns it commits only then, or had committed to anything before. */
export const copier: Attack = {
  name: "copier",
  tries: "waits for the reveals, then commits to, reveals and signs what it read there",
  model: "iris",
  policy: THREE_OF_FOUR,
  seats: 1,
  play(context) {
    const [voice] = context.voices as [Voice];
    const copied = new Set<Hex>();
    const signed = new Set<Hex>();
    const committedBefore = ({ place }: { place: number }) => place % 2 === 1;
    return {
      async asked(asked) {
        if (!committedBefore(asked)) return;
        const made = randomOutput(context.manifest, context.random);
        await voice.commit(asked.requestId, made, randomHex(context.random, 32));
      },
      async heard(message, asked) {
        const { requestId } = asked;
        if (message.kind === "reveal" && !committedBefore(asked) && !copied.has(requestId)) {
          copied.add(requestId);
          const salt = randomHex(context.random, 32);
          const commit = await voice.commit(requestId, message.output, salt);
          await voice.reveal(commit, message.output, salt, context.transcript.commits(requestId));
        }
        const signing = signedHash(message);
        if (signing === null || signed.has(requestId)) return;
        signed.add(requestId);
        await voice.attest(requestId, signing.outputHash, signing.view);
      },
    };
  },
};

/** What it sends was all signed once, for something else. */
export const replayer: Attack = {
  name: "replayer",
  tries:
    "replays others' statements under another request, and its own from another chain and another oracle",
  model: "iris",
  policy: THREE_OF_FOUR,
  seats: 1,
  play(context) {
    const wire = createWire(64 * 1024);
    let raw: RawGossip | null = null;
    const replay = async (message: Parameters<typeof wire.encode>[0]) =>
      raw?.send(wire.bundle([wire.encode(message)], randomBytes(context.random, NONCE_BYTES)));
    return {
      async begin() {
        raw = await openRawGossip(context.scope, randomHex(context.random, 32));
        await raw.connect(context.honestAddresses, 5_000);
      },
      async asked({ requestId, reference }) {
        for (const message of await foreign(context, requestId, reference)) await replay(message);
        const [earlier] = context.transcript.all().filter((message) => message.requestId !== requestId);
        if (earlier === undefined) return;
        for (const message of context.transcript.of(earlier.requestId)) {
          await replay(message);
          const commits =
            "commits" in message ? message.commits.map((one) => ({ ...one, requestId })) : undefined;
          await replay({ ...message, requestId, ...(commits && { commits }) } as typeof message);
        }
      },
      async end() {
        await raw?.stop();
      },
    };
  },
};

/** Statements of its own about this request, signed for another chain and for another oracle. */
async function foreign({ voices, scope, random }: AttackContext, requestId: Hex, output: Hex) {
  const [voice] = voices as [Voice];
  const { attester, operatorId } = voice.seat;
  const others = [
    { ...scope, chainId: scope.chainId + 1 },
    { ...scope, oracle: randomHex(random, 20) },
  ];
  const statements = await Promise.all(
    others.map(async (other) => {
      const outputHash = keccak256(output);
      const commitment = randomHex(random, 32);
      const about = { requestId, operatorId };
      const attested = attestationTypedData(other, { requestHash: requestId, outputHash, view: 0 });
      const committed = commitTypedData(other, { requestHash: requestId, commitment });
      return [
        { kind: "commit", ...about, commitment, signature: await attester.signTypedData(committed) },
        {
          kind: "attestation",
          ...about,
          view: 0,
          outputHash,
          signature: await attester.signTypedData(attested),
        },
      ] as const;
    }),
  );
  return statements.flat();
}
