/** When an equivocation is reported: never, when the reward covers the gas, or up to the stop-loss in any case. */
export const REPORT_POLICIES = ["never", "pays", "always"] as const;
export type ReportPolicy = (typeof REPORT_POLICIES)[number];

/** What an operator decides about reporting others and asking them to open their commitments. */
export interface CourtPolicy {
  /** When an equivocation is reported. */
  report: ReportPolicy;
  /** Wei that `always` spends at most on one report. */
  reportStopLossWei: bigint;
  /** Part of the commitments never opened to us that is demanded, 0 to 1. */
  demandShare: number;
  /** Wei of bonds that may be at risk within a day. */
  demandStopLossWei: bigint;
}

export interface ReportView {
  policy: ReportPolicy;
  /** Wei that `always` spends at most on a report that earns less. */
  stopLossWei: bigint;
  /** The reporter's share of all that the operator has at stake, leaving stake included. */
  rewardWei: bigint;
  /** Limit of the transaction. */
  gas: bigint;
  /** Wei per gas, base fee and tip. */
  gasPrice: bigint;
}

/** `maxFeePerGasCap` is what keeps the promise later: nothing above it is ever bid, whatever the market does. */
export type ReportStep =
  | { type: "report"; maxFeePerGasCap: bigint }
  | { type: "leave"; reason: string; final: boolean };

/** Decides whether a report is worth its gas. */
export function decideReport({ policy, stopLossWei, rewardWei, gas, gasPrice }: ReportView): ReportStep {
  if (policy === "never")
    return { type: "leave", reason: "report/switched-off: REPORT_EQUIVOCATION is never", final: true };
  const budgetWei = policy === "always" && stopLossWei > rewardWei ? stopLossWei : rewardWei;
  const costWei = gas * gasPrice;
  if (costWei <= budgetWei) return { type: "report", maxFeePerGasCap: budgetWei / gas };
  const reason = `report/stop-loss: gas would cost ${costWei} wei, the reward is ${rewardWei} wei and the limit ${budgetWei} wei`;
  return { type: "leave", reason, final: false };
}

export interface DemandView {
  bondWei: bigint;
  /** Bonds of our demands that are pending, planned, or were lost within the last day. */
  bondsAtRiskWei: bigint;
  /** Most of them, in wei. */
  stopLossWei: bigint;
  /** The demander's part of what a missed opening costs the operator. */
  rewardWei: bigint;
  /** Of the demand and of closing it, at the market's price now. */
  costWei: bigint;
  /** The operator cannot open: what it opened already is another answer than it attested. */
  certain: boolean;
}

export type DemandStep = { type: "demand" } | { type: "leave"; reason: string };

/**
 * Decides whether to put up the bond. What must win is a matter of profit; the rest is a sample, whose bonds are the price
 * of keeping operators honest, and is bounded by the stop-loss alone.
 */
export function decideDemand(view: DemandView): DemandStep {
  const { bondWei, bondsAtRiskWei, stopLossWei, rewardWei, costWei } = view;
  if (bondsAtRiskWei + bondWei > stopLossWei) {
    const reason = `demand/stop-loss: bonds of ${bondsAtRiskWei} wei are at risk, ${bondWei} wei more would pass the limit of ${stopLossWei} wei`;
    return { type: "leave", reason };
  }
  if (!view.certain || rewardWei >= costWei) return { type: "demand" };
  const reason = `demand/does-not-pay: gas would cost ${costWei} wei, the reward is ${rewardWei} wei`;
  return { type: "leave", reason };
}
