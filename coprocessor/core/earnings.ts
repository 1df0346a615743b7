import type { RequestFields } from "@sibyl/sdk";
import { formatUnits } from "viem";

const BPS = 10_000n;
const WAD = 10n ** 18n;
/** The chain's native coin in the oracle's token list. */
export const NATIVE = 0;

/** What an operator asks for and how it values tokens; part of the configuration. */
export interface Prices {
  /** Least that one run must earn us, by `token` or `model/token`, in units of the token. */
  minFees: ReadonlyMap<string, bigint>;
  /** Wei that one unit of a token is worth, WAD, by the token's index. What is not listed counts as nothing. */
  tokenWeiWad: ReadonlyMap<number, bigint>;
}

/**
 * What each signer of a request earns, in units of its token: the oracle's `Fees.split`.
 *
 * @param fields The request's own fee, shares and quorum.
 */
export function shareOfFee({
  fee,
  royaltyBps,
  protocolBps,
  quorum,
}: Pick<RequestFields, "fee" | "royaltyBps" | "protocolBps" | "quorum">): bigint {
  const royalty = (fee * BigInt(royaltyBps)) / BPS;
  const protocol = (fee * BigInt(protocolBps)) / BPS;
  return (fee - royalty - protocol) / BigInt(Math.max(1, quorum));
}

/** What a share of a fee is worth in wei. */
export function inWei(amount: bigint, tokenIndex: number, { tokenWeiWad }: Prices): bigint {
  if (tokenIndex === NATIVE) return amount;
  return (amount * (tokenWeiWad.get(tokenIndex) ?? 0n)) / WAD;
}

/** The least that a run must earn us: the model's own floor, by id or name, before the token's. */
export function floorFor(
  { modelId, tokenIndex }: Pick<RequestFields, "modelId" | "tokenIndex">,
  modelName: string,
  { minFees }: Prices,
): bigint {
  const token = tokenIndex === NATIVE ? "native" : String(tokenIndex);
  return (
    minFees.get(`${modelId.toLowerCase()}/${token}`) ??
    minFees.get(`${modelName}/${token}`) ??
    minFees.get(token) ??
    0n
  );
}

/**
 * Why a request's fee is too low for us; null when it is not.
 *
 * @returns The reason with both amounts, in the token's own units.
 */
export function refuseFee(fields: RequestFields, modelName: string, prices: Prices): string | null {
  const share = shareOfFee(fields);
  const floor = floorFor(fields, modelName, prices);
  if (share >= floor) return null;
  const unit = fields.tokenIndex === NATIVE ? "wei" : `units of token ${fields.tokenIndex}`;
  return `admission/fee-too-low: a run earns ${share} ${unit}, this operator asks for ${floor}`;
}

/**
 * How many times our floor a request pays; 1 when there is no floor. For the queue's order, which must be the same after a
 * restart, when a model's name may not be known yet: floors by name do not count.
 */
export function feeRatio(fields: RequestFields, prices: Prices): number {
  const floor = floorFor(fields, "", prices);
  return floor === 0n ? 1 : Number(formatUnits((shareOfFee(fields) * WAD) / floor, 18));
}
