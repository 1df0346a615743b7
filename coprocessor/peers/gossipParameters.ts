import type { GossipsubOpts } from "@libp2p/gossipsub";
import type { PeerLimits } from "./limits.ts";

/** What a peer's score begins with that has proven to be an operator's. */
const OPERATOR_SCORE = 10;

/**
 * Gossipsub's numbers for networks of 2 to 50 nodes in which everybody knows everybody's address.
 *
 * A publisher sends to every subscriber that it is connected to (`floodPublish`), so delivery is one hop. There is no
 * mesh: whoever is not connected to the publisher, or missed what it said, is told of it by the others within a
 * heartbeat (IHAVE) and asks one of them for it (IWANT). So one publication among n nodes that keep up travels n - 1
 * times, in place of about (n - 1) * D times, of which all but the first n - 1 would only be counted and dropped.
 */
export function gossipParameters(
  topic: string,
  limits: PeerLimits,
  maxBundleBytes: number,
  isOperator: (peer: string) => boolean = () => false,
): Partial<GossipsubOpts> {
  return {
    // Messages carry their author's own signature: a second one by the transport would prove nothing more.
    globalSignaturePolicy: "StrictNoSign",
    allowedTopics: [topic],
    fallbackToFloodsub: false,
    asyncValidation: true,
    emitSelf: false,
    allowPublishToZeroTopicPeers: true,
    doPX: false,

    floodPublish: true,
    // One encoding of a publication for all peers, in place of one for each.
    batchPublish: true,
    D: 0,
    Dlo: 0,
    Dhi: 0,
    Dscore: 0,
    Dout: 0,
    Dlazy: 6,
    // Said to a mesh, of which there is none.
    idontwantMinDataSize: Number.POSITIVE_INFINITY,
    heartbeatInterval: 500,
    // In heartbeats: a verdict may take 6 s and its message is still relayed.
    mcacheLength: 12,
    // Offered in so many heartbeats; with `Dlazy` that reaches everybody.
    mcacheGossip: 3,
    seenTTL: 60_000,
    pruneBackoff: 10_000,
    unsubcribeBackoff: 2,

    // One frame may hold several bundles, for example in answer to IWANT.
    maxInboundDataLength: Math.max(4 * 1024 * 1024, 4 * maxBundleBytes),
    maxOutboundBufferSize: 32 * 1024 * 1024,
    maxTopicBytesPerPeer: 8 * 1024,
    maxInboundStreams: 4,
    maxOutboundStreams: 4,
    decodeRpcLimits: {
      maxSubscriptions: 16,
      maxMessages: 5_000,
      maxIhaveMessageIDs: 5_000,
      maxIwantMessageIDs: 5_000,
      maxIdontwantMessageIDs: 512,
      maxControlMessages: 64,
      maxPeerInfos: 16,
    },

    scoreThresholds: { gossipThreshold: -20, publishThreshold: -50, graylistThreshold: -80 },
    scoreParams: {
      decayInterval: 1_000,
      decayToZero: 0.01,
      retainScore: 10 * 60_000,
      topicScoreCap: 20,
      // Worth a few mistakes, and a place in the mesh before strangers; not worth a flood.
      appSpecificScore: (peer) => (isOperator(peer) ? OPERATOR_SCORE : 0),
      appSpecificWeight: 1,
      // Operators on one machine or behind one NAT are ordinary; crowds cost nothing unless configured.
      IPColocationFactorWeight: limits.maxPeersPerIp === null ? 0 : -10,
      IPColocationFactorThreshold: limits.maxPeersPerIp ?? 1,
      // A restarted peer grafts again before its back-off ends; that alone must not hurt it.
      behaviourPenaltyWeight: -5,
      behaviourPenaltyThreshold: 6,
      behaviourPenaltyDecay: 0.9,
      topics: {
        [topic]: {
          topicWeight: 1,
          timeInMeshWeight: 0.01,
          timeInMeshQuantum: 1_000,
          timeInMeshCap: 300,
          firstMessageDeliveriesWeight: 0.1,
          firstMessageDeliveriesDecay: 0.95,
          firstMessageDeliveriesCap: 100,
          // Quiet hours are normal: nobody is punished for delivering little.
          meshMessageDeliveriesWeight: 0,
          meshMessageDeliveriesDecay: 0.5,
          meshMessageDeliveriesCap: 1,
          meshMessageDeliveriesThreshold: 1,
          meshMessageDeliveriesWindow: 10,
          meshMessageDeliveriesActivation: 5_000,
          meshFailurePenaltyWeight: 0,
          meshFailurePenaltyDecay: 0.5,
          // Squared: ten rejected messages within seconds and a peer is not heard, for about half a minute.
          invalidMessageDeliveriesWeight: -1,
          invalidMessageDeliveriesDecay: 0.95,
        },
      },
    },
  };
}
