import {
  type CommitMessage,
  createWire,
  MAX_OUTPUT_BYTES,
  NONCE_BYTES,
  openRawGossip,
  type ProposalMessage,
  type RawGossip,
} from "@sibyl/coprocessor/testing";
import { commitTypedData } from "@sibyl/sdk";
import { type Hex, keccak256, toHex } from "viem";
import { type Attack, type AttackContext, THREE_OF_FOUR } from "../attack.ts";
import { randomBytes, randomHex } from "../random.ts";
import type { Voice } from "../seat.ts";

/** Bytes that no adapter lets through, as a share of the largest message. */
const HUGE_BYTES = 1_000_000;
/** Statements about requests that do not exist, signed before the flood so that signing does not slow it down. */
const PREPARED = 400;
const FLOOD_PAUSE_MS = 5;
const PER_PAUSE = 40;
const SWARM = 500;
const SWARM_AT_ONCE = 10;

/** Sends as fast as it can, half of it junk, half of it well signed and about nothing. */
export const flooder: Attack = {
  name: "flooder",
  tries: "sends junk, and signed statements about requests that do not exist, as fast as it can",
  model: "iris",
  policy: THREE_OF_FOUR,
  seats: 1,
  play(context) {
    const wire = createWire(MAX_OUTPUT_BYTES);
    let raw: RawGossip | null = null;
    let flooding: Promise<void> = Promise.resolve();
    let over = false;
    const flood = async (from: RawGossip, prepared: readonly CommitMessage[]) => {
      for (let sent = 0; !over; sent++) {
        const message = prepared[sent % prepared.length] as CommitMessage;
        const nonce = randomBytes(context.random, NONCE_BYTES);
        await from.send(
          sent % 2 === 0 ? randomBytes(context.random, 200) : wire.bundle([wire.encode(message)], nonce),
        );
        if (sent % PER_PAUSE === 0) await new Promise((resolve) => setTimeout(resolve, FLOOD_PAUSE_MS));
      }
    };
    return {
      async begin() {
        const prepared = await Promise.all(Array.from({ length: PREPARED }, () => commitToNothing(context)));
        raw = await openRawGossip(context.scope, randomHex(context.random, 32));
        await raw.connect(context.honestAddresses, 5_000);
        flooding = flood(raw, prepared).catch(() => undefined);
      },
      async end() {
        over = true;
        await flooding;
        await raw?.stop();
      },
    };
  },
};

async function commitToNothing({ voices, scope, random }: AttackContext): Promise<CommitMessage> {
  const [voice] = voices as [Voice];
  const { attester, operatorId } = voice.seat;
  const [requestId, commitment] = [randomHex(random, 32), randomHex(random, 32)];
  const signature = await attester.signTypedData(
    commitTypedData(scope, { requestHash: requestId, commitment }),
  );
  return { kind: "commit", requestId, operatorId, commitment, signature };
}

/** Sends what is too large to be read, and what is as large as may be, in all views. */
export const oversized: Attack = {
  name: "oversized",
  tries: "sends messages over every limit, and outputs as large as the limit in every view",
  model: "iris",
  policy: THREE_OF_FOUR,
  seats: 1,
  play(context) {
    const [voice] = context.voices as [Voice];
    const largest = toHex(randomBytes(context.random, MAX_OUTPUT_BYTES));
    let raw: RawGossip | null = null;
    return {
      async begin() {
        raw = await openRawGossip(context.scope, randomHex(context.random, 32));
        await raw.connect(context.honestAddresses, 5_000);
      },
      async asked({ requestId }) {
        await raw?.send(randomBytes(context.random, HUGE_BYTES));
        const over = createWire(2 * MAX_OUTPUT_BYTES);
        const about = { requestId, operatorId: voice.id, view: 0, signature: randomHex(context.random, 65) };
        const output = toHex(randomBytes(context.random, MAX_OUTPUT_BYTES + 1));
        const tooLarge: ProposalMessage = { kind: "proposal", ...about, output, reveals: [] };
        await raw?.send(over.bundle([over.encode(tooLarge)], randomBytes(context.random, NONCE_BYTES)));
        const salt = randomHex(context.random, 32);
        const commit = await voice.commit(requestId, largest, salt);
        await voice.reveal(commit, largest, salt, []);
        const everybody = [voice.id, ...context.arena.network.operators.map(({ operatorId }) => operatorId)];
        for (let view = 0; view < 16; view++) {
          // By turns on its own reveal alone, and on reveals that are still to come.
          await voice.propose(requestId, largest, view, view % 2 === 0 ? [voice.id] : [...everybody]);
        }
      },
      async end() {
        await raw?.stop();
      },
    };
  },
};

/** Peer identities cost nothing; what they say in others' names is not signed by them. */
export const forgedSwarm: Attack = {
  name: "forged-swarm",
  tries: `connects under ${SWARM} made-up identities, and speaks in the honest operators' names`,
  model: "iris",
  policy: THREE_OF_FOUR,
  seats: 1,
  play(context) {
    const wire = createWire(MAX_OUTPUT_BYTES);
    const swarm: RawGossip[] = [];
    const names = context.arena.network.operators.map(({ operatorId }) => operatorId);
    return {
      async begin() {
        while (swarm.length < SWARM) {
          const born = await Promise.all(
            Array.from({ length: SWARM_AT_ONCE }, () =>
              openRawGossip(context.scope, randomHex(context.random, 32)),
            ),
          );
          swarm.push(...born);
          await Promise.all(born.map((one) => one.connect(context.honestAddresses, 1_000)));
        }
      },
      async asked({ requestId }) {
        for (const one of swarm) {
          if (one.connected() === 0) continue;
          const operatorId = names[Math.floor(context.random() * names.length)] as number;
          const [outputHash, signature] = [
            keccak256(randomHex(context.random, 32)),
            forgedSignature(context),
          ];
          const message = {
            kind: "attestation",
            requestId,
            operatorId,
            view: 0,
            outputHash,
            signature,
          } as const;
          await one.send(wire.bundle([wire.encode(message)], randomBytes(context.random, NONCE_BYTES)));
        }
      },
      async end() {
        for (let at = 0; at < swarm.length; at += 50)
          await Promise.all(swarm.slice(at, at + 50).map((one) => one.stop()));
      },
    };
  },
};

/** Of the right form: it recovers to nobody in particular. */
const forgedSignature = ({ random }: AttackContext): Hex =>
  `${randomHex(random, 32)}0${randomHex(random, 32).slice(3)}1b`;
