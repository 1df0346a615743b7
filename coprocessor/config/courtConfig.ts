import { parseEther } from "viem";
import { z } from "zod";
import { type CourtPolicy, REPORT_POLICIES } from "../core/punishmentCost.ts";

/** An amount in whole coins, as wei. */
const coins = (fallback: string) =>
  z
    .string()
    .regex(/^[0-9]{1,9}(\.[0-9]{1,18})?$/, { message: "must be an amount of coins, for example 0.01" })
    .transform((text) => parseEther(text))
    .prefault(fallback);

export const courtEnvironment = {
  REPORT_EQUIVOCATION: z.enum(REPORT_POLICIES).default("pays"),
  REPORT_STOP_LOSS: coins("0.01"),
  DEMAND_SHARE: z.coerce.number().min(0).max(1).default(0.1),
  DEMAND_STOP_LOSS: coins("0.01"),
};

type CourtEnvironment = z.output<z.ZodObject<typeof courtEnvironment>>;

export const courtConfigOf = (env: CourtEnvironment): CourtPolicy => ({
  report: env.REPORT_EQUIVOCATION,
  reportStopLossWei: env.REPORT_STOP_LOSS,
  demandShare: env.DEMAND_SHARE,
  demandStopLossWei: env.DEMAND_STOP_LOSS,
});
