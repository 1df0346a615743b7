import { type Address, encodeAbiParameters, type Hex } from "viem";
import { addressFromBits, addressToBits } from "./address.ts";
import { packBits, unpackBits } from "./bits.ts";
import { keccak256 } from "./keccak256.ts";

/** A request's five words as logged and as every later call takes them (`contracts/types/Request.sol`). */
export interface RequestWords {
  modelId: Hex;
  /** `keccak256(input)`. */
  inputHash: Hex;
  /** Packed: who asks, until when, how many must agree. */
  terms: bigint;
  /** Packed: when it opened, and the protocol's parameters of that moment. */
  opening: bigint;
  /** Packed: what it escrows. */
  funds: bigint;
}

/** A request's five words, taken apart. */
export interface RequestFields {
  modelId: Hex;
  inputHash: Hex;
  consumer: Address;
  /** Unix seconds. */
  deadline: number;
  callbackGasLimit: number;
  committeeSize: number;
  quorum: number;
  /** Tells apart identical requests of one block. */
  salt: number;
  /** Sum of the model's seats, units of 1e12 wei of stake. */
  totalWeight: bigint;
  openedBlock: bigint;
  /** Unix seconds. */
  openedAt: number;
  /** Seconds. */
  challengeWindow: number;
  /** Whom a challenge goes to, by the oracle's list; 0 is nobody. */
  arbiterIndex: number;
  roundSeconds: number;
  /** 10000 draws once the committee size in round 0. */
  overdrawBps: number;
  royaltyBps: number;
  protocolBps: number;
  /** 0 is the chain's native coin. */
  tokenIndex: number;
  /** Token units. */
  fee: bigint;
  /** Wei. */
  gasReserve: bigint;
  /** Wei. */
  maxGasPrice: bigint;
}

const TERMS = [
  ["consumer", 160],
  ["deadline", 40],
  ["callbackGasLimit", 32],
  ["committeeSize", 8],
  ["quorum", 8],
  ["salt", 8],
] as const;

const OPENING = [
  ["totalWeight", 64],
  ["openedBlock", 48],
  ["openedAt", 40],
  ["challengeWindow", 24],
  ["arbiterIndex", 8],
  ["roundSeconds", 16],
  ["overdrawBps", 16],
  ["royaltyBps", 16],
  ["protocolBps", 16],
  ["tokenIndex", 8],
] as const;

const FUNDS = [
  ["fee", 96],
  ["gasReserve", 96],
  ["maxGasPrice", 64],
] as const;

const REQUEST_TUPLE = [
  {
    type: "tuple",
    components: [
      { name: "modelId", type: "bytes32" },
      { name: "inputHash", type: "bytes32" },
      { name: "terms", type: "uint256" },
      { name: "opening", type: "uint256" },
      { name: "funds", type: "uint256" },
    ],
  },
] as const;

/** `keccak256(abi.encode(request))`: the request's only handle, on chain and off. */
export function requestId(words: RequestWords): Hex {
  return keccak256(encodeAbiParameters(REQUEST_TUPLE, [words]));
}

/** What a request escrows, and what it gets back when it is refunded. */
export type RequestFundsFields = Pick<RequestFields, "fee" | "gasReserve" | "maxGasPrice">;

/** Takes a request's `funds` apart; `RequestExpired` logs the same word. */
export function unpackFunds(funds: bigint): RequestFundsFields {
  return unpackBits(FUNDS, funds);
}

/** Takes a request's words apart. */
export function unpackRequest(words: RequestWords): RequestFields {
  const terms = unpackBits(TERMS, words.terms);
  const opening = unpackBits(OPENING, words.opening);
  const funds = unpackBits(FUNDS, words.funds);
  return {
    modelId: words.modelId,
    inputHash: words.inputHash,
    consumer: addressFromBits(terms.consumer),
    deadline: Number(terms.deadline),
    callbackGasLimit: Number(terms.callbackGasLimit),
    committeeSize: Number(terms.committeeSize),
    quorum: Number(terms.quorum),
    salt: Number(terms.salt),
    totalWeight: opening.totalWeight,
    openedBlock: opening.openedBlock,
    openedAt: Number(opening.openedAt),
    challengeWindow: Number(opening.challengeWindow),
    arbiterIndex: Number(opening.arbiterIndex),
    roundSeconds: Number(opening.roundSeconds),
    overdrawBps: Number(opening.overdrawBps),
    royaltyBps: Number(opening.royaltyBps),
    protocolBps: Number(opening.protocolBps),
    tokenIndex: Number(opening.tokenIndex),
    fee: funds.fee,
    gasReserve: funds.gasReserve,
    maxGasPrice: funds.maxGasPrice,
  };
}

/**
 * Packs fields into a request's words; the inverse of `unpackRequest`.
 *
 * @throws OutOfRangeError when a field does not fit its bits.
 */
export function packRequest(fields: RequestFields): RequestWords {
  return {
    modelId: fields.modelId,
    inputHash: fields.inputHash,
    terms: packBits(TERMS, {
      consumer: addressToBits(fields.consumer),
      deadline: BigInt(fields.deadline),
      callbackGasLimit: BigInt(fields.callbackGasLimit),
      committeeSize: BigInt(fields.committeeSize),
      quorum: BigInt(fields.quorum),
      salt: BigInt(fields.salt),
    }),
    opening: packBits(OPENING, {
      totalWeight: fields.totalWeight,
      openedBlock: fields.openedBlock,
      openedAt: BigInt(fields.openedAt),
      challengeWindow: BigInt(fields.challengeWindow),
      arbiterIndex: BigInt(fields.arbiterIndex),
      roundSeconds: BigInt(fields.roundSeconds),
      overdrawBps: BigInt(fields.overdrawBps),
      royaltyBps: BigInt(fields.royaltyBps),
      protocolBps: BigInt(fields.protocolBps),
      tokenIndex: BigInt(fields.tokenIndex),
    }),
    funds: packBits(FUNDS, {
      fee: fields.fee,
      gasReserve: fields.gasReserve,
      maxGasPrice: fields.maxGasPrice,
    }),
  };
}
