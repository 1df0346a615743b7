import { agree, type DeterminismProfile, type OutputCodec } from "@sibyl/sdk";
import type { Hex } from "viem";
import type { AttestationGroup, Ballot } from "./ballot.ts";
import type { AttestationMessage } from "./messages.ts";

/** How a model's outputs are read and compared. */
export interface OutputRules {
  codec: OutputCodec;
  profile: DeterminismProfile;
}

/**
 * The operators whose attestations of an output an honest settlement names, in order of arrival.
 *
 * A settlement pays whom it names, so it names nobody that may have copied: only operators that opened a commitment which
 * counts, to an output that agrees with what they attested, and that attested nothing else beside it. Somebody else may
 * still send a settlement with other signatures; what these prove is for the opening court and the registry.
 */
export function creditable(
  { codec, profile }: OutputRules,
  ballot: Ballot,
  group: AttestationGroup,
): number[] {
  const output = ballot.outputOf(group.outputHash);
  if (output === undefined) return [];
  const standsBehind = ([operatorId, message]: [number, AttestationMessage]): boolean => {
    if (ballot.equivocators.has(operatorId)) return false;
    if (profile.kind === "exact" && attestedAnother(ballot, group, operatorId)) return false;
    const revealed = ballot.reveals.get(operatorId);
    if (revealed === undefined) return false;
    const known = compared.get(message);
    if (known?.revealed === revealed) return known.agrees;
    const { agrees } = agree(codec, profile, revealed, output);
    compared.set(message, { revealed, agrees });
    return agrees;
  };
  return [...group.signers].filter(standsBehind).map(([operatorId]) => operatorId);
}

/** Asked again at every step of a request; the attestation names the output, so what it was compared with is enough. */
const compared = new WeakMap<AttestationMessage, { revealed: Hex; agrees: boolean }>();

/** Of an `exact` model an operator has one output in all views. */
const attestedAnother = (ballot: Ballot, { outputHash }: AttestationGroup, operatorId: number): boolean =>
  ballot.attestations.some((other) => other.outputHash !== outputHash && other.signers.has(operatorId));

/** When the `count`-th of them was heard, Unix milliseconds; infinite while there are fewer. */
export function creditableAt(group: AttestationGroup, operatorIds: readonly number[], count: number): number {
  const last = operatorIds[count - 1];
  const place = last === undefined ? -1 : [...group.signers.keys()].indexOf(last);
  return group.times[place] ?? Number.POSITIVE_INFINITY;
}
