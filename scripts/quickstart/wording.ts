import { formatEther } from "viem";
import { isRight, type MessageProgress, requestToCallback } from "./messageProgress.ts";

/** One spelling of each fact, for the table and for plain lines. */

export const shortHash = (hash: string): string => hash.slice(0, 10);

export const excerpt = (text: string, width: number): string => {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length <= width ? line : `${line.slice(0, Math.max(0, width - 1))}…`;
};

export const ids = (operatorIds: readonly number[]): string =>
  operatorIds.length === 0 ? "–" : operatorIds.join(",");

export const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

export const seconds = (ms: number | null): string => (ms === null ? "–" : `${(ms / 1_000).toFixed(1)} s`);

export const grouped = (value: bigint | number): string => value.toLocaleString("en-US");

export const ether = (wei: bigint): string => `${formatEther(wei)} ETH`;

/** `right`, or what the message really is. */
export const verdict = (message: MessageProgress): string =>
  isRight(message) ? "right" : `wrong: it is ${message.sample.label}`;

/** By the chain's clock, then by ours. */
export function time(message: MessageProgress): string {
  const taken = requestToCallback(message);
  return taken === null ? "–" : seconds(taken.wallMs);
}
