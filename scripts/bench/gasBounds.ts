/** What `bench:gas` measures. */
export const GAS_KEYS = [
  "request32",
  "request1k",
  "settle3",
  "settle1k",
  "settleBatch10",
  "expire",
  "propose",
  "finalize",
  "challenge",
  "resolve",
  "redeliver",
  "register",
  "enroll",
] as const;

export type GasKey = (typeof GAS_KEYS)[number];

export interface PeerGas {
  peer: string;
  gas: number;
  /** The peer's own figure; without it, a receipt measured as ours are. */
  published?: true;
}

export interface GasBound {
  step: string;
  /** Most gas that the step may take; none where no peer has anything like it. */
  most?: number;
  peers: readonly PeerGas[];
}

/** What each step may cost, and what others need for the same. */
export const GAS_BOUNDS: Record<GasKey, GasBound> = {
  request32: {
    step: "request, 32 B input",
    most: 72_000,
    peers: [
      { peer: "Boundless", gas: 46_054, published: true },
      { peer: "Galadriel", gas: 155_193 },
      { peer: "Ritual Infernet", gas: 155_710 },
      { peer: "ORA OAO", gas: 191_386 },
      { peer: "Ritual Infernet with payment", gas: 195_822 },
      { peer: "Chainlink Functions (100 B source)", gas: 225_370 },
    ],
  },
  request1k: {
    step: "request, 1 KiB input",
    most: 97_000,
    peers: [
      { peer: "Ritual Infernet", gas: 859_880 },
      { peer: "Galadriel", gas: 859_937 },
      { peer: "ORA OAO", gas: 903_651 },
    ],
  },
  settle3: {
    step: "settle, 3 signatures, 3 payouts, 32 B output",
    most: 97_000,
    peers: [
      { peer: "ORA OAO, nothing proven", gas: 70_731 },
      { peer: "Chainlink CRE, 2 signatures", gas: 92_696 },
      { peer: "Ritual Infernet, one node, nothing checked", gas: 92_884 },
      { peer: "Ritual Infernet with payment", gas: 143_317 },
      { peer: "Chainlink Functions, 3 of 4 signatures", gas: 168_972 },
      { peer: "Ritual Infernet, redundancy 3", gas: 244_452 },
    ],
  },
  settle1k: { step: "settle, 3 signatures, 1 KiB output", peers: [] },
  settleBatch10: {
    step: "settleBatch of 10, for each request",
    most: 43_000,
    peers: [{ peer: "Chainlink Functions", gas: 60_704 }],
  },
  expire: {
    step: "expire",
    most: 34_000,
    peers: [{ peer: "Chainlink Functions timeoutRequests", gas: 44_556 }],
  },
  propose: { step: "settle, 3 signatures, with a challenge window", peers: [] },
  finalize: { step: "finalize, 3 payouts, 32 B output", peers: [] },
  challenge: { step: "challenge a proposal", peers: [] },
  resolve: { step: "resolve a challenge, 4 jurors, 3 signers punished", peers: [] },
  redeliver: { step: "redeliver", peers: [] },
  register: { step: "register an operator", peers: [] },
  enroll: { step: "enroll for a model", peers: [] },
};
