import { encodeSettle, juryArbiterAbi } from "@sibyl/sdk";
import { type Hex, keccak256, parseGwei } from "viem";
import type { Attack } from "../attack.ts";
import { wrongLabel } from "../falseOutput.ts";
import type { Voice } from "../seat.ts";

/** Above what operators bid, so that the wrong answer is proposed before the right one. */
const BID = { maxFeePerGas: parseGwei("100"), maxPriorityFeePerGas: parseGwei("50"), gas: 2_000_000n };
const WINDOW_SECONDS = 90;

/**
 * All signatures that a settlement takes are its own, so nobody can keep the wrong answer from being proposed. What
 * undoes it is the challenge window: an operator that watches runs the model and puts up a bond, and a jury without the
 * two comes to the right answer by itself.
 */
export const colludingQuorum: Attack = {
  name: "colluders-window",
  tries: "a whole quorum signs a wrong label, under a challenge window",
  model: "iris",
  policy: { committeeSize: 2, quorum: 2, challengeWindow: WINDOW_SECONDS },
  seats: 2,
  // All at once: the first verdict comes within a few blocks, and jails the two.
  blocks: 1,
  patienceMs: 300_000,
  outageMs: WINDOW_SECONDS * 1_000,
  play({ arena, voices, manifest }) {
    const { client, protocol } = arena.network;
    const [first] = voices as [Voice];
    const requestIds = new Set<Hex>();
    const { attester } = first.seat;
    const wallet = client.as(attester);
    /** Counted here: all of its transactions are sent at once, to be in the next block. */
    let nonce = 0;

    return {
      async begin() {
        nonce = await client.reader.getTransactionCount({ address: attester.address });
      },
      async asked(asked) {
        requestIds.add(asked.requestId);
        const wrong = wrongLabel(manifest, asked.reference);
        const signed = await Promise.all(
          voices.map((voice) => voice.attestation(asked.requestId, keccak256(wrong), 0)),
        );
        const data = encodeSettle(asked.words, wrong, 0, signed);
        await wallet.sendTransaction({ to: protocol.oracle, data, nonce: nonce++, ...BID });
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
