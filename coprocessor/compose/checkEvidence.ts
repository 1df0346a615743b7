import type { EvidenceProof } from "../core/evidence.ts";
import { type EvidenceVerdict, verifyEvidence } from "../core/verifyEvidence.ts";
import { recoverDigest } from "../keys/recover.ts";

/** Checks a proof with this machine's signature recovery; asks nobody. */
export const checkEvidence = (proof: EvidenceProof): EvidenceVerdict =>
  verifyEvidence(proof, (digest, signature) => recoverDigest(digest, signature));
