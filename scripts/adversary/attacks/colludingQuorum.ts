import { encodeSettle, juryArbiterAbi } from "@sibyl/sdk";
import { keccak256, parseGwei } from "viem";
import type { Attack } from "../attack.ts";
import { wrongLabel } from "../falseOutput.ts";
import type { Voice } from "../seat.ts";

/** Above what operators bid, so that the wrong answer is proposed before the right one. */
const TIP_WEI = parseGwei("10");
const WINDOW_SECONDS = 40;

/**
 * All signatures that a settlement takes are its own, so nobody can keep the wrong answer from being proposed. What
 * undoes it is the challenge window: somebody watches, and a jury without the two comes to the right answer.
 */
export const colludingQuorum: Attack = {
  name: "colluders-window",
  tries: "a whole quorum signs a wrong label, under a challenge window",
  model: "iris",
  policy: { committeeSize: 2, quorum: 2, challengeWindow: WINDOW_SECONDS },
  seats: 2,
  // The honest answer may come first, and then its window has to pass; otherwise a dispute does.
  patienceMs: 240_000,
  outageMs: WINDOW_SECONDS * 1_000,
  play({ arena, voices, manifest }) {
    const { client, protocol } = arena.network;
    const [first] = voices as [Voice];
    const wallet = client.as(first.seat.attester);
    const requestIds = new Set<string>();
    let sending: Promise<unknown> = Promise.resolve();
    return {
      async asked({ requestId, reference, words }) {
        requestIds.add(requestId);
        const wrong = wrongLabel(manifest, reference);
        const signed = await Promise.all(
          voices.map((voice) => voice.attestation(requestId, keccak256(wrong), 0)),
        );
        const data = encodeSettle(words, wrong, 0, signed);
        const bid = { maxFeePerGas: 2n * TIP_WEI, maxPriorityFeePerGas: TIP_WEI, gas: 2_000_000n };
        // One after the other, so that each has a nonce of its own.
        sending = sending.then(() => wallet.sendTransaction({ to: protocol.oracle, data, ...bid }));
        await sending;
      },
      async overturned() {
        const events = await client.reader.getContractEvents({
          abi: juryArbiterAbi,
          address: protocol.arbiter,
          eventName: "ProposalOverturned",
          fromBlock: protocol.startBlock,
          strict: true,
        });
        return events.filter(({ args }) => requestIds.has(args.requestId)).length;
      },
    };
  },
};
