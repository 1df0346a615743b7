import type { Hex } from "viem";
import type { AttesterKey } from "../keys/port.ts";
import type { PipelineDeps } from "./deps.ts";

/** The latest salts of a key, by label: the reveal asks again for what the commitment was made with. */
const salts = new WeakMap<AttesterKey, Map<string, Hex>>();
const MAX_SALTS = 1_024;

/**
 * What seals our answer to a request: 32 bytes that only our key can make.
 *
 * The same salt every time, so that a lost database loses no opening. Making one takes a signature, which a remote signer
 * is asked for over the network.
 */
export async function saltFor(
  { key, scope }: Pick<PipelineDeps, "key" | "scope">,
  requestId: Hex,
): Promise<Hex> {
  const label = `salt/${scope.chainId}/${scope.oracle.toLowerCase()}/${requestId}`;
  const known = salts.get(key) ?? new Map<string, Hex>();
  salts.set(key, known);
  const salt = known.get(label) ?? (await key.derive(label));
  if (known.size >= MAX_SALTS) known.clear();
  known.set(label, salt);
  return salt;
}
