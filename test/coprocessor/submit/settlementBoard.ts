import { type Address, encodeFunctionData, getContractAddress, type Hex } from "viem";
import type { EmitterClient } from "../chain/emitter.ts";
import { compileSolidity } from "../compileSolidity.ts";

/** What a settlement looks like to its sender: it succeeds once, then reverts with a named error. */
const SOURCE = `
// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;
contract SettlementBoard {
  error AlreadySettled(uint256 id, address by);
  mapping(uint256 => address) public settledBy;
  uint256 public count;
  function settle(uint256 id) external {
    if (settledBy[id] != address(0)) revert AlreadySettled(id, settledBy[id]);
    settledBy[id] = msg.sender;
    count += 1;
  }
  function fail(uint256 how) external pure {
    if (how == 0) revert("in words");
    if (how == 1) assert(false);
    if (how == 2) assembly { revert(0, 0) }
    assembly { mstore(0, shl(224, 0xdeadbeef)) revert(0, 4) }
  }
}`;

export const settlementBoard = () => compileSolidity("SettlementBoard", SOURCE);

export const settleData = (id: bigint): Hex =>
  encodeFunctionData({ abi: settlementBoard().abi, functionName: "settle", args: [id] });

export const failData = (how: bigint): Hex =>
  encodeFunctionData({ abi: settlementBoard().abi, functionName: "fail", args: [how] });

/** Sends the deployment; the block is the caller's to mine. */
export async function deploySettlementBoard(client: EmitterClient): Promise<Address> {
  const from = client.account.address;
  const nonce = await client.getTransactionCount({ address: from });
  await client.sendTransaction({ data: settlementBoard().bytecode, gas: 2_000_000n, nonce });
  return getContractAddress({ from, nonce: BigInt(nonce) });
}

export async function settledBy(client: EmitterClient, board: Address, id: bigint): Promise<Address> {
  return (await client.readContract({
    address: board,
    abi: settlementBoard().abi,
    functionName: "settledBy",
    args: [id],
  })) as Address;
}
