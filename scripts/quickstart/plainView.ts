import type { MessageProgress } from "./messageProgress.ts";
import type { View } from "./view.ts";
import { excerpt, grouped, ids, percent, shortHash, time, verdict } from "./wording.ts";

/** A line when a message is asked, and one when it is answered: for pipes, files and dumb terminals. */
export function createPlainView(write: (line: string) => void, quorum: number): View {
  const asked = new Set<number>();
  const ended = new Set<number>();
  return {
    step: (text) => write(`- ${text}`),
    show(message) {
      const { number, opening, settlement, expiry } = message;
      if (opening !== null && !asked.has(number)) {
        asked.add(number);
        write(
          `#${number} asked     request ${shortHash(opening.requestId)} in block ${opening.block.number}: "${excerpt(message.sample.text, 60)}"`,
        );
      }
      if ((settlement === null && expiry === null) || ended.has(number)) return;
      ended.add(number);
      write(`#${number} ${ending(message, quorum)}`);
    },
    end: () => {},
  };
}

function ending(message: MessageProgress, quorum: number): string {
  const { drawn, committed, settlement, expiry } = message;
  if (settlement !== null) {
    const answer = `${settlement.label} ${percent(settlement.confidence)}, ${verdict(message)}`;
    const agreed = `operators ${ids(settlement.signers)} agreed (${settlement.signers.length} of ${quorum})`;
    const callback = settlement.callbackLanded ? "" : ", CALLBACK FAILED";
    return `settled   ${answer}; ${agreed}; tx ${shortHash(settlement.transaction)}, ${grouped(settlement.gasUsed)} gas, ${time(message)}${callback}`;
  }
  const refund = grouped(expiry?.refundedWei ?? 0n);
  return `expired   drawn ${ids(drawn)}, committed ${ids(committed)}; refunded ${refund} of ${grouped(message.opening?.paidWei ?? 0n)} wei; ${expiry?.reason}`;
}
