import { attestationTypedData, commitmentHash, commitTypedData, outputHash } from "@sibyl/sdk";
import type { Address, Hex, LocalAccount } from "viem";
import type { AttestationMessage, CommitMessage } from "../../../coprocessor/core/messages.ts";

export interface Speaking {
  chainId: number;
  oracle: Address;
  requestId: Hex;
  operatorId: number;
}

export async function attestation(
  account: LocalAccount,
  { requestId, operatorId, ...scope }: Speaking,
  output: Hex,
  view: number,
): Promise<AttestationMessage> {
  const fields = { requestHash: requestId, outputHash: outputHash(output), view };
  const signature = await account.signTypedData(attestationTypedData(scope, fields));
  return { kind: "attestation", requestId, operatorId, view, outputHash: fields.outputHash, signature };
}

export async function commit(
  account: LocalAccount,
  { requestId, operatorId, ...scope }: Speaking,
  output: Hex,
  salt: Hex,
): Promise<CommitMessage> {
  const opening = { requestHash: requestId, operatorId, outputHash: outputHash(output), salt };
  const commitment = commitmentHash(opening);
  const signature = await account.signTypedData(
    commitTypedData(scope, { requestHash: requestId, commitment }),
  );
  return { kind: "commit", requestId, operatorId, commitment, signature };
}
