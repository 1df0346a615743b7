import {
  type DeterminismProfile,
  formatWad,
  MODEL_STATUSES,
  OUTPUT_CODECS,
  type OutputCodec,
  packEnrolment,
  packModelTerms,
  packProfile,
  packRequest,
  parseWad,
  type RequestFields,
  requestId,
} from "@sibyl/sdk";
import { getAddress, zeroAddress } from "viem";
import { address, uint, word } from "./draw.ts";

/** Bit-packed words beside the fields in them. */
export function packingVectors(): Record<string, object> {
  return {
    request: { cases: requests() },
    enrolment: { cases: enrolments() },
    modelTerms: { cases: modelTerms() },
    profile: { cases: profiles() },
  };
}

function requests() {
  const names = ["usual", "zero", "full", ...Array.from({ length: 8 }, (_, index) => `random ${index}`)];
  return names.map((name) => {
    const fields = requestFields(name);
    const words = packRequest(fields);
    return { name, ...fields, ...words, requestId: requestId(words) };
  });
}

function requestFields(name: string): RequestFields {
  if (name === "usual") {
    return {
      modelId: word("model"),
      inputHash: word("input"),
      consumer: getAddress(address("consumer")),
      deadline: 1_800_000_600,
      callbackGasLimit: 200_000,
      committeeSize: 3,
      quorum: 2,
      salt: 1,
      totalWeight: 3_000_000n,
      openedBlock: 21_000_000n,
      openedAt: 1_800_000_000,
      challengeWindow: 0,
      arbiterIndex: 0,
      roundSeconds: 12,
      overdrawBps: 20_000,
      royaltyBps: 500,
      protocolBps: 250,
      tokenIndex: 0,
      fee: 3_000_000_000_000_000n,
      gasReserve: 400_000n * 30_000_000_000n,
      maxGasPrice: 30_000_000_000n,
    };
  }
  const value = (field: string, bits: number): bigint => {
    if (name === "zero") return 0n;
    if (name === "full") return (1n << BigInt(bits)) - 1n;
    return uint(`${name} ${field}`, bits);
  };
  const small = (field: string, bits: number) => Number(value(field, bits));
  const bytes32 = (field: string) => `0x${value(field, 256).toString(16).padStart(64, "0")}` as const;
  return {
    modelId: bytes32("modelId"),
    inputHash: bytes32("inputHash"),
    consumer:
      name === "zero"
        ? zeroAddress
        : getAddress(`0x${value("consumer", 160).toString(16).padStart(40, "0")}`),
    deadline: small("deadline", 40),
    callbackGasLimit: small("callbackGasLimit", 32),
    committeeSize: small("committeeSize", 8),
    quorum: small("quorum", 8),
    salt: small("salt", 8),
    totalWeight: value("totalWeight", 64),
    openedBlock: value("openedBlock", 48),
    openedAt: small("openedAt", 40),
    challengeWindow: small("challengeWindow", 24),
    arbiterIndex: small("arbiterIndex", 8),
    roundSeconds: small("roundSeconds", 16),
    overdrawBps: small("overdrawBps", 16),
    royaltyBps: small("royaltyBps", 16),
    protocolBps: small("protocolBps", 16),
    tokenIndex: small("tokenIndex", 8),
    fee: value("fee", 96),
    gasReserve: value("gasReserve", 96),
    maxGasPrice: value("maxGasPrice", 64),
  };
}

function enrolments() {
  const seats = [
    { attester: zeroAddress, weight: 0n, activeFrom: 0 },
    { attester: getAddress(address("attester")), weight: 1_000_000n, activeFrom: 1_800_000_000 },
    { attester: getAddress(`0x${"ff".repeat(20)}`), weight: (1n << 56n) - 1n, activeFrom: 2 ** 40 - 1 },
    {
      attester: getAddress(address("other")),
      weight: uint("weight", 56),
      activeFrom: Number(uint("from", 40)),
    },
  ];
  return seats.map((fields) => ({ ...fields, packed: packEnrolment(fields) }));
}

function modelTerms() {
  const terms = [
    { pricePerExecution: 0n, pricePerKiB: 0n, royaltyBps: 0, tokenIndex: 0, status: "unknown" },
    {
      pricePerExecution: 10n ** 15n,
      pricePerKiB: 10n ** 12n,
      royaltyBps: 500,
      tokenIndex: 0,
      status: "active",
    },
    {
      pricePerExecution: (1n << 96n) - 1n,
      pricePerKiB: (1n << 96n) - 1n,
      royaltyBps: 65_535,
      tokenIndex: 255,
      status: "retired",
    },
    {
      pricePerExecution: uint("execution", 96),
      pricePerKiB: uint("KiB", 96),
      royaltyBps: 1,
      tokenIndex: 7,
      status: "active",
    },
  ] as const;
  return terms.map((fields) => ({
    ...fields,
    status: MODEL_STATUSES.indexOf(fields.status),
    packed: packModelTerms(fields),
  }));
}

/** Numbers as Solidity has them: kind and codec by their place in the enum, tolerances in WAD. */
function profiles() {
  const rules: { codec: OutputCodec; profile: DeterminismProfile }[] = [
    ...OUTPUT_CODECS.map((codec) => ({ codec, profile: { kind: "exact" } as const })),
    { codec: "classification", profile: { kind: "tolerance", abs: "0.0001", rel: "0" } },
    { codec: "scores", profile: { kind: "tolerance", abs: "0", rel: "0.05" } },
    { codec: "vector", profile: { kind: "tolerance", abs: "0.000000000000000001", rel: "1" } },
    {
      codec: "tensor",
      profile: { kind: "tolerance", abs: formatWad((1n << 120n) - 1n), rel: "0.000000000000000001" },
    },
  ];
  return rules.map(({ codec, profile }) => {
    const tolerant = profile.kind === "tolerance";
    return {
      kind: tolerant ? 2 : 1,
      codec: OUTPUT_CODECS.indexOf(codec) + 1,
      abs: tolerant ? parseWad(profile.abs) : 0n,
      rel: tolerant ? parseWad(profile.rel) : 0n,
      packed: packProfile({ output: { codec }, profile }),
    };
  });
}
