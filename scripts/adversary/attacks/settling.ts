import { encodeSettle, inferenceOracleAbi } from "@sibyl/sdk";
import { decodeFunctionData, type Hex, keccak256, parseGwei } from "viem";
import { type Attack, THREE_OF_FIVE, THREE_OF_FOUR } from "../attack.ts";
import { wrongLabel } from "../falseOutput.ts";
import type { Voice } from "../seat.ts";
import { claiming } from "./claim.ts";

const MEMPOOL_LOOK_MS = 40;
/** Above what operators bid, so that its copy is first in the block. */
const TIP_WEI = parseGwei("10");

/** Copies settlements that wait in the mempool, and sends them for itself at a higher price. */
export const frontRunner: Attack = {
  name: "front-runner",
  tries: "copies the settlements of others from the mempool and pays to be first",
  model: "iris",
  policy: THREE_OF_FOUR,
  seats: 1,
  play({ arena, voices }) {
    const [voice] = voices as [Voice];
    const { client, protocol } = arena.network;
    const wallet = client.as(voice.seat.attester);
    const taken = new Set<Hex>();
    let over = false;
    let hunting: Promise<void> = Promise.resolve();
    const look = async () => {
      const block = await client.reader.getBlock({ blockTag: "pending", includeTransactions: true });
      for (const { to, from, input } of block.transactions) {
        if (to?.toLowerCase() !== protocol.oracle.toLowerCase() || taken.has(input)) continue;
        if (from.toLowerCase() === voice.seat.attester.address.toLowerCase()) continue;
        const { functionName } = decodeFunctionData({ abi: inferenceOracleAbi, data: input });
        if (functionName !== "settle" && functionName !== "settleBatch") continue;
        taken.add(input);
        const bid = { maxFeePerGas: 4n * TIP_WEI, maxPriorityFeePerGas: TIP_WEI, gas: 2_000_000n };
        await wallet.sendTransaction({ to, data: input, ...bid });
      }
    };
    return {
      async begin() {
        hunting = (async () => {
          while (!over) {
            await look().catch(() => undefined);
            await new Promise((resolve) => setTimeout(resolve, MEMPOOL_LOOK_MS));
          }
        })();
      },
      async end() {
        over = true;
        await hunting;
      },
    };
  },
};

/** Two that trust each other, where three must agree. */
export const colluders: Attack = {
  name: "colluders",
  tries: "two of five agree on a wrong label, and try to settle it with what signatures they have",
  model: "iris",
  policy: THREE_OF_FIVE,
  seats: 2,
  play(context) {
    const { arena, voices, transcript, manifest } = context;
    const { client, protocol } = arena.network;
    const parts = voices.map((voice) =>
      claiming(
        { ...context, voices: [voice] },
        { output: ({ reference }) => wrongLabel(manifest, reference), proposes: true, attests: () => "own" },
      ),
    );
    const [first] = voices as [Voice];
    const tried = new Set<Hex>();
    return {
      async asked(asked) {
        await Promise.all(parts.map((part) => part.asked?.(asked)));
      },
      async heard(message, asked) {
        await Promise.all(parts.map((part) => part.heard?.(message, asked)));
        const { requestId, reference, words } = asked;
        if (message.kind !== "attestation" || tried.has(requestId)) return;
        const wrong = wrongLabel(manifest, reference);
        const [theirs] = transcript
          .of(requestId)
          .filter((one) => one.kind === "attestation" && voices.every(({ id }) => id !== one.operatorId));
        if (theirs?.kind !== "attestation") return;
        tried.add(requestId);
        const own = await Promise.all(
          voices.map((voice) => voice.attestation(requestId, keccak256(wrong), 0)),
        );
        // With a signature that an honest operator gave another output: the contract has to see it.
        const data = encodeSettle(words, wrong, 0, [...own, theirs]);
        await client
          .as(first.seat.attester)
          .sendTransaction({ to: protocol.oracle, data, gas: 2_000_000n })
          .catch(() => undefined);
      },
    };
  },
};
