import { gzipSync } from "node:zlib";
import { type Hex, keccak256, toRlp } from "viem";
import { rpcResult } from "../../network/rpcCall.ts";

/** A header as anvil tells it, and as its state dumps hold it. */
type Header = Record<string, Hex>;

/** In the order of a header's RLP. */
const HASHED = [
  "parentHash",
  "sha3Uncles",
  "miner",
  "stateRoot",
  "transactionsRoot",
  "receiptsRoot",
  "logsBloom",
  "difficulty",
  "number",
  "gasLimit",
  "gasUsed",
  "timestamp",
  "extraData",
  "mixHash",
  "nonce",
  "baseFeePerGas",
  "withdrawalsRoot",
  "blobGasUsed",
  "excessBlobGas",
  "parentBeaconBlockRoot",
  "requestsHash",
] as const;
/** RLP writes these as numbers: without leading zeros, 0 as nothing. */
const NUMBERS: ReadonlySet<string> = new Set([
  "difficulty",
  "number",
  "gasLimit",
  "gasUsed",
  "timestamp",
  "baseFeePerGas",
  "blobGasUsed",
  "excessBlobGas",
]);
const EMPTY_ROOT = "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421";
const EMPTY_BLOOM: Hex = `0x${"00".repeat(256)}`;
/** Blocks of one call; a header is 1.5 kB of JSON. */
const BATCH = 5_000;

const hex = (value: number | bigint): Hex => `0x${value.toString(16)}`;

/**
 * Puts empty blocks on top of a chain, as many as a quiet week has.
 *
 * anvil's own `anvil_mine` needs 1 ms more for each thousand blocks that are there already: 40 minutes for a hundred
 * thousand. So the headers are made here, each linked to the one before by its hash, and handed over as a state dump.
 *
 * @param secondsPerBlock Between two blocks' timestamps.
 * @throws Error when anvil's headers are not hashed as they are here.
 */
export async function addEmptyBlocks(url: string, count: number, secondsPerBlock: number): Promise<void> {
  for (let left = count; left > 0; left -= BATCH) await addBatch(url, Math.min(left, BATCH), secondsPerBlock);
}

async function addBatch(url: string, count: number, secondsPerBlock: number): Promise<void> {
  const latest = await rpcResult<Header>(url, "eth_getBlockByNumber", ["latest", false]);
  if (hashOf(latest) !== latest.hash)
    throw new Error(`block ${latest.number} hashes to ${hashOf(latest)}, and anvil says ${latest.hash}`);
  const headers: Header[] = [];
  let parent = latest;
  let parentHash = latest.hash as Hex;
  for (let place = 0; place < count; place++) {
    const header: Header = {
      ...pick(latest),
      parentHash,
      number: hex(BigInt(parent.number as Hex) + 1n),
      timestamp: hex(Number(parent.timestamp) + secondsPerBlock),
      transactionsRoot: EMPTY_ROOT,
      receiptsRoot: EMPTY_ROOT,
      logsBloom: EMPTY_BLOOM,
      gasUsed: "0x0",
    };
    headers.push(header);
    parent = header;
    parentHash = hashOf(header);
  }
  const dump = {
    block: {
      number: parent.number,
      beneficiary: parent.miner,
      timestamp: parent.timestamp,
      gas_limit: Number(parent.gasLimit),
      basefee: Number(parent.baseFeePerGas),
      difficulty: "0x0",
      prevrandao: parent.mixHash,
      blob_excess_gas_and_price: { excess_blob_gas: 0, blob_gasprice: 1 },
      slot_num: 0,
    },
    accounts: {},
    best_block_number: Number(parent.number),
    blocks: headers.map((header) => ({ header, transactions: [], ommers: [] })),
    transactions: [],
    historical_states: null,
  };
  await rpcResult(url, "anvil_loadState", [`0x${gzipSync(JSON.stringify(dump)).toString("hex")}`]);
}

const pick = (header: Header): Header =>
  Object.fromEntries(HASHED.map((name) => [name, header[name] as Hex]));

function hashOf(header: Header): Hex {
  const fields = HASHED.map((name): Hex => {
    const value = header[name] as Hex;
    if (!NUMBERS.has(name)) return value;
    const number = BigInt(value);
    if (number === 0n) return "0x";
    const digits = number.toString(16);
    return `0x${digits.length % 2 === 0 ? digits : `0${digits}`}`;
  });
  return keccak256(toRlp(fields));
}
