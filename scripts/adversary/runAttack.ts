import { execFileSync } from "node:child_process";
import { anonymous, createLibp2pPeers, type OracleScope, type PeerMessage } from "@sibyl/coprocessor/testing";
import { agree } from "@sibyl/sdk";
import type { Hex } from "viem";
import { until } from "../network/until.ts";
import type { Arena, Settled } from "./arena.ts";
import type { Asked, Attack, AttackContext, Cheat } from "./attack.ts";
import { disagreementsAbout, logEnds } from "./disagreements.ts";
import { type Random, randomHex } from "./random.ts";
import { median, type Row } from "./row.ts";
import { leaveSeat, takeSeat, Voice } from "./seat.ts";
import { Transcript } from "./transcript.ts";

const CONNECT_TIMEOUT_MS = 60_000;
const MIB = 2 ** 20;

export interface RunOptions {
  arena: Arena;
  requests: number;
  random: Random;
  /** The next of the development accounts that nobody uses yet. */
  nextPlace(): number;
  /** Median of an honest run with the same model, milliseconds. */
  baselineMs: number | null;
  onProblem(problem: string): void;
}

/** Runs one attack against the arena, which is as it was before when it is over. */
export async function runAttack(attack: Attack, options: RunOptions): Promise<Row> {
  const { arena, requests, random } = options;
  const { network } = arena;
  const { modelId, manifest } = arena.models[attack.model];
  const scope: OracleScope = { chainId: network.client.chain.id, oracle: network.protocol.oracle };
  const transcript = new Transcript();
  const honestAddresses = await Promise.all(network.operators.map(addressOf));

  const asked = new Map<Hex, Asked>();
  let cheat: Cheat | null = null;
  const guard = (doing: Promise<void> | undefined) =>
    doing?.catch((error: unknown) => options.onProblem(`${attack.name}: ${(error as Error).message}`));
  const hear = async (message: PeerMessage) => {
    if (!transcript.add(message)) return "accept" as const;
    const request = asked.get(message.requestId);
    if (request !== undefined) void guard(cheat?.heard?.(message, request));
    return "accept" as const;
  };

  const voices: Voice[] = [];
  const peers = createLibp2pPeers({
    scope,
    seed: randomHex(random, 32),
    // A bonded operator's peer, as soon as it has a seat: it has an operator's budgets to abuse.
    identity: { ...anonymous, issue: async (fields) => (await voices[0]?.prove(fields)) ?? null },
    limits: { strangerShare: 1 },
    listen: { host: "127.0.0.1", port: 0 },
    log: silentLog,
  });
  await peers.start(hear);
  try {
    const [endpoint = ""] = peers.addresses();
    for (let seat = 0; seat < attack.seats; seat++) {
      const place = options.nextPlace();
      voices.push(
        new Voice(
          await takeSeat(network.client, network.protocol, { place, modelId, endpoint }),
          scope,
          peers,
        ),
      );
    }
    peers.connect(honestAddresses);
    await until(
      "the attack's node to hear the operators",
      () => (peers.connected() >= honestAddresses.length ? true : null),
      { timeoutMs: CONNECT_TIMEOUT_MS },
    );
    const context: AttackContext = {
      arena,
      scope,
      manifest,
      voices,
      peers,
      honestAddresses,
      transcript,
      random,
    };
    const wealthBefore = await wealthOf(arena, voices);
    const stakesBefore = await arena.stakes();
    const memoryBefore = memory(arena);
    const logs = logEnds(arena);

    cheat = attack.play(context);
    await cheat.begin?.();
    const onAsked = (request: Asked) => {
      void guard(cheat?.asked?.(request));
      asked.set(request.requestId, request);
      for (const message of transcript.of(request.requestId)) void guard(cheat?.heard?.(message, request));
    };
    const opened = await arena.ask(attack.model, attack.policy, requests, onAsked, attack.blocks);
    const settled = await arena.answers(opened, attack.patienceMs);
    const grown = memory(arena).map((now, place) => now - (memoryBefore[place] ?? now));
    await cheat.end?.();

    const stakes = await arena.stakes();
    const gained = (await wealthOf(arena, voices)) - wealthBefore;
    const latency = median([...settled.values()].map(({ latencyMs }) => latencyMs));
    return {
      attack: attack.name,
      requests: opened.length,
      settled: settled.size,
      wrongSettled: wrong(opened, settled, manifest),
      honestSlashed: stakes.filter((stake, place) => stake < (stakesBefore[place] ?? 0n)).length,
      cheaterProfitWei: (attack.withinProfile === true && gained > 0n ? 0n : gained).toString(),
      cheaterEarnedWei: (attack.withinProfile === true ? gained : 0n).toString(),
      overturned: (await cheat.overturned?.()) ?? null,
      latencyMsP50: latency,
      addedLatencyMsP50:
        latency === null || options.baselineMs === null ? null : latency - options.baselineMs,
      rssGrowthMb: Math.max(0, Math.round(Math.max(...grown) / MIB)),
      disagreements: disagreementsAbout(arena, logs, asked as ReadonlyMap<string, Asked>),
    };
  } finally {
    await cheat?.end?.().catch(() => undefined);
    await peers.stop();
    for (const { seat } of voices) await leaveSeat(network.client, network.protocol, seat, modelId);
  }
}

/** A node that is being attacked may be slow to say where it listens. */
const addressOf = (operator: Arena["network"]["operators"][number]): Promise<string> =>
  until(`${operator.name} to say where it listens`, async () => (await operator.status()).addresses[0], {
    timeoutMs: CONNECT_TIMEOUT_MS,
  });

async function wealthOf(arena: Arena, voices: readonly Voice[]): Promise<bigint> {
  const parts = await Promise.all(voices.map(({ seat }) => arena.wealth(seat)));
  return parts.reduce((sum, part) => sum + part, 0n);
}

function wrong(
  asked: readonly Asked[],
  settled: ReadonlyMap<Hex, Settled>,
  { output, profile }: AttackContext["manifest"],
): number {
  return asked.filter(({ requestId, reference }) => {
    const answer = settled.get(requestId);
    return answer !== undefined && !agree(output.codec, profile, reference, answer.output).agrees;
  }).length;
}

/** Resident bytes of each honest node's process. */
function memory({ network }: Arena): number[] {
  return network.operators.map(({ process: node }) => {
    const text = execFileSync("ps", ["-o", "rss=", "-p", String(node?.pid)], { encoding: "utf8" });
    return Number(text.trim()) * 1_024;
  });
}

const silentLog = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLog,
};
