import { encodeSettle, packRequest, type RequestWords, requestId, unpackRequest } from "@sibyl/sdk";
import { type Address, getContractAddress, type Hex } from "viem";
import type { EmitterClient } from "../chain/emitter.ts";
import { compileSolidity } from "../compileSolidity.ts";
import { CHAIN_ID, hash } from "../store/fixtures.ts";

/** The oracle's `settle` and `settleBatch` as their sender sees them: calldata, per-item refusals, and nothing checked. */
const SOURCE = `
// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;
struct Request { bytes32 modelId; bytes32 inputHash; uint256 terms; uint256 opening; uint256 funds; }
struct Attestation { uint32 operatorId; bytes32 r; bytes32 vs; }
struct Settlement { Request request; bytes output; uint32 viewNumber; Attestation[] attestations; }
contract BatchBoard {
  error RequestNotOpen(bytes32 requestId, uint8 status);
  event SettlementRefused(bytes32 indexed requestId, bytes reason);
  mapping(bytes32 => address) public settledBy;
  function settle(Request calldata request, bytes calldata, uint256, Attestation[] calldata) external {
    settleAs(request, msg.sender);
  }
  function settleAs(Request calldata request, address by) public {
    bytes32 id = keccak256(abi.encode(request));
    if (settledBy[id] != address(0)) revert RequestNotOpen(id, 3);
    settledBy[id] = by;
  }
  function settleBatch(Settlement[] calldata items) external returns (bytes4[] memory results) {
    results = new bytes4[](items.length);
    for (uint256 i = 0; i < items.length; i++) {
      try this.settleAs(items[i].request, msg.sender) {} catch (bytes memory reason) {
        results[i] = bytes4(reason);
        emit SettlementRefused(keccak256(abi.encode(items[i].request)), reason);
      }
    }
  }
}`;

export const batchBoard = () => compileSolidity("BatchBoard", SOURCE);

/** Sends the deployment; the block is the caller's to mine. */
export async function deployBatchBoard(client: EmitterClient): Promise<Address> {
  const from = client.account.address;
  const nonce = await client.getTransactionCount({ address: from });
  await client.sendTransaction({ data: batchBoard().bytecode, gas: 2_000_000n, nonce });
  return getContractAddress({ from, nonce: BigInt(nonce) });
}

/** A request whose settlement the board takes once. */
export function boardRequest(
  label: string,
  board: Address,
  output: Hex = "0xabcd",
): { words: RequestWords; id: Hex; key: string; data: Hex } {
  const empty = unpackRequest({
    modelId: hash("model"),
    inputHash: hash(label),
    terms: 0n,
    opening: 0n,
    funds: 0n,
  });
  const words = packRequest({ ...empty, quorum: 1 });
  const id = requestId(words);
  const signature: Hex = `0x${"11".repeat(64)}1b`;
  return {
    words,
    id,
    key: `${CHAIN_ID}-${board}-${id}`.toLowerCase(),
    data: encodeSettle(words, output, 0, [{ operatorId: 1, signature }]),
  };
}

export async function settledBy(client: EmitterClient, board: Address, id: Hex): Promise<Address> {
  return (await client.readContract({
    address: board,
    abi: batchBoard().abi,
    functionName: "settledBy",
    args: [id],
  })) as Address;
}
