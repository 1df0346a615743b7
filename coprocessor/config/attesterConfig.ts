import type { Address, Hex } from "viem";
import { z } from "zod";
import { address, faultsOf, invalid, path, urlOf, withoutEmpty } from "./values.ts";

/** Where the attester's key is. */
export type AttesterSource =
  | { kind: "key"; key: Hex }
  | { kind: "keystore"; path: string; password: { file: string } | { text: string } }
  | { kind: "signer"; url: string; address: Address };

/** The attester's part of the environment, which `sibyl register` needs alone. */
const attesterEnvironment = z.object({
  ATTESTER_KEY: z
    .string()
    .regex(/^0x[0-9a-fA-F]{64}$/, { message: "must be a private key: 0x and 64 hex digits" })
    .transform((text) => text as Hex)
    .optional(),
  ATTESTER_KEYSTORE: path.optional(),
  ATTESTER_PASSWORD_FILE: path.optional(),
  ATTESTER_PASSWORD: z.string().optional(),
  ATTESTER_SIGNER_URL: urlOf(["http:", "https:"]).optional(),
  ATTESTER_ADDRESS: address.optional(),
});

export const ATTESTER_VARIABLES = Object.keys(attesterEnvironment.shape);

/**
 * Reads where the attester's key is, from environment variables.
 *
 * @throws CoprocessorError `config/invalid`, as `readConfig` does.
 */
export function readAttesterSource(variables: Record<string, string | undefined>): AttesterSource {
  const attester = attesterFrom(withoutEmpty(variables));
  if ("faults" in attester) throw invalid(attester.faults);
  return attester.source;
}

/** Exactly one of the three places that a key can be in. */
export function attesterFrom(
  given: Record<string, string | undefined>,
): { source: AttesterSource } | { faults: string[] } {
  const parsed = attesterEnvironment.safeParse(given);
  if (!parsed.success) return { faults: faultsOf(parsed.error, given) };
  const env = parsed.data;
  const places = (["ATTESTER_KEY", "ATTESTER_KEYSTORE", "ATTESTER_SIGNER_URL"] as const).filter(
    (name) => env[name] !== undefined,
  );
  if (places.length === 0)
    return { faults: ["ATTESTER_KEY is not set, and neither is ATTESTER_KEYSTORE or ATTESTER_SIGNER_URL"] };
  if (places.length > 1)
    return { faults: [`${places.join(" and ")} are set; one of them is the attester's key`] };
  if (env.ATTESTER_KEY !== undefined) return { source: { kind: "key", key: env.ATTESTER_KEY } };
  if (env.ATTESTER_KEYSTORE !== undefined) {
    const { ATTESTER_PASSWORD_FILE: file, ATTESTER_PASSWORD: text } = env;
    if ((file === undefined) === (text === undefined))
      return {
        faults: ["ATTESTER_KEYSTORE needs ATTESTER_PASSWORD_FILE or ATTESTER_PASSWORD, and not both"],
      };
    const password = file === undefined ? { text: text as string } : { file };
    return { source: { kind: "keystore", path: env.ATTESTER_KEYSTORE, password } };
  }
  if (env.ATTESTER_ADDRESS === undefined)
    return { faults: ["ATTESTER_SIGNER_URL needs ATTESTER_ADDRESS, which says whose key it is"] };
  return {
    source: { kind: "signer", url: env.ATTESTER_SIGNER_URL as string, address: env.ATTESTER_ADDRESS },
  };
}
