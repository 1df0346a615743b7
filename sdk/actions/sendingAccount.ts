import type { Account, Address } from "viem";
import { NoAccountError } from "./oracleErrors.ts";

/** Clients of actions that send: `account` may stand on the client or be given with the call. */
export interface SenderParameters {
  account?: Account | Address;
}

/** @throws NoAccountError when neither the call nor the client names an account. */
export function sendingAccount(
  client: { account?: Account | undefined },
  account: Account | Address | undefined,
): Account | Address {
  const sender = account ?? client.account;
  if (!sender) throw new NoAccountError("The client has no account to send from.");
  return sender;
}
