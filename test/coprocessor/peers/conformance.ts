import { createServer } from "node:net";
import { describe, expect, test } from "vitest";
import { CoprocessorError } from "../../../coprocessor/core/errors.ts";
import type { PeerMessage } from "../../../coprocessor/core/messages.ts";
import type { Verdict } from "../../../coprocessor/peers/port.ts";
import { type Attacker, createNetwork, type PeersHarness } from "./harness.ts";
import { type Listener, repeatUntil, until } from "./network.ts";
import { commit, oneOfEach } from "./samples.ts";

const HEARD_WITHIN_MS = 2_000;
/** Bounds of a whole test on a machine that others use too. */
const patience = { timeout: 60_000 };

/** What every adapter of `peers/port.ts` does. */
export function peersConformance(harness: PeersHarness): void {
  const { node, fullMesh, attack } = createNetwork(harness);

  describe(`${harness.name}: delivery`, patience, () => {
    test("three nodes: everybody hears every kind of message once, and nobody itself", async () => {
      const nodes = await Promise.all([node(1), node(2), node(3)]);
      await fullMesh(nodes);
      const sent = nodes.flatMap((n, i) => oneOfEach(40_000 + i).map((message) => ({ n, message, i })));
      const expected = sent.map((s) => ({ ...s, message: { ...s.message, operatorId: s.i + 1 } }));
      for (const { n, message } of expected) await n.peers.publish(message);
      await until(
        "all heard",
        () => expected.every((s) => nodes.every((n) => n === s.n || n.times(s.message) > 0)),
        HEARD_WITHIN_MS,
      );
      // One more from each, after which no relayed copy of the earlier ones is on its way.
      for (const [i, n] of nodes.entries()) await n.peers.publish(commit(1_000 + i));
      await until("last heard", () => nodes.every((n) => n.heard.length >= 10), HEARD_WITHIN_MS);
      for (const n of nodes) expect(n.heard.length).toBe(2 * 4 + 2);
      for (const n of nodes) {
        const traffic = n.peers.traffic();
        expect(traffic.published).toBe(5);
        expect(traffic.sent).toBe(5 * 2);
        expect(traffic.received).toBe(10);
        expect(traffic.copies).toBeGreaterThanOrEqual(10);
        expect(traffic.copiedBytes).toBeGreaterThan(2 * 2 * 40_000);
      }
      // Whoever hears relays once, to all but the one it heard from: 2 copies by the sender, 1 by each of the others. One
      // node's share is not bounded so: who hears a relayed copy first relays it back to the sender.
      const copies = nodes.reduce((sum, n) => sum + n.peers.traffic().copies, 0);
      expect(copies).toBeLessThanOrEqual(15 * (2 + 2 * 1));
      for (const s of expected) expect(s.n.times(s.message)).toBe(0);
    });

    test("nobody there: publishing does not fail, and who joins late hears the repeats", async () => {
      const first = await node(1, { limits: { repeatGapMs: 20 } });
      await first.peers.publish(commit(1));
      const late = await node(2, { limits: { repeatGapMs: 20 } });
      late.peers.connect(first.peers.addresses());
      await repeatUntil(
        "late joiner",
        () => first.peers.publish(commit(1)),
        () => late.times(commit(1)) > 0,
      );
    });

    test("repeat: the same message sent again after the gap is heard again", async () => {
      const nodes = await Promise.all([1, 2, 3].map((i) => node(i, { limits: { repeatGapMs: 20 } })));
      const [a, b, c] = nodes as [Listener, Listener, Listener];
      await fullMesh(nodes);
      await repeatUntil(
        "three times",
        () => a.peers.publish(commit(1)),
        () => b.times(commit(1)) >= 3,
      );
      await until("by all", () => c.times(commit(1)) >= 3);
    });

    test("quick repeat: the same message within the gap is heard once, whoever sends it", async () => {
      const limits = { repeatGapMs: 60_000 };
      const nodes = await Promise.all([node(1, { limits }), node(2, { limits }), node(3, { limits })]);
      const [a, b, c] = nodes as [Listener, Listener, Listener];
      await fullMesh(nodes);
      for (const sender of [a, b, a, b, a]) await sender.peers.publish(commit(1));
      await a.peers.publish(commit(2));
      await b.peers.publish(commit(3));
      await until("the last ones", () => c.times(commit(2)) > 0 && c.times(commit(3)) > 0);
      expect(c.times(commit(1))).toBe(1);
    });
  });

  // Where everybody hears everybody there is nobody in the middle.
  if (harness.relays) {
    describe(`${harness.name}: verdicts, over a node in the middle`, patience, () => {
      const VERDICTS: readonly Verdict[] = ["ignore", "reject"];
      for (const verdict of VERDICTS) {
        test(`${verdict}: the message goes no further, an accepted one does`, async () => {
          const left = await node(1);
          const middle = await node(2, { judge: (m) => (m.operatorId === 666 ? verdict : "accept") });
          const right = await node(3);
          left.peers.connect(middle.peers.addresses());
          right.peers.connect(middle.peers.addresses());
          await until("the line", () => middle.peers.connected() === 2 && left.peers.connected() === 1);
          await repeatUntil(
            "relay works",
            () => left.peers.publish(commit(Math.random())),
            () => right.heard.length > 0,
          );

          const bad = commit(1, 666);
          await left.peers.publish(bad);
          await until("judged", () => middle.times(bad) === 1);
          await left.peers.publish(commit(2));
          await until("relayed", () => right.times(commit(2)) === 1);
          expect(right.times(bad)).toBe(0);
        });
      }

      test("rejecting: who relays what is rejected again and again is not heard any more", async () => {
        const victim = await node(1, { judge: (m) => (m.operatorId === 666 ? "reject" : "accept") });
        const attacker = await attack(9, victim);
        let n = 0;
        const send = async () => {
          for (let i = 0; i < 5; i++) await attacker.send(harness.encode(commit(n++, 666)));
        };
        await repeatUntil("first", send, () => victim.heard.length >= 20);
        const probe = async () => {
          const before = victim.heard.length;
          await send();
          await until("", () => victim.heard.length > before, 300).then(
            () => {},
            () => {
              silenced = true;
            },
          );
        };
        let silenced = false;
        await repeatUntil("silenced", probe, () => silenced);
        const honest = await node(2);
        honest.peers.connect(victim.peers.addresses());
        await repeatUntil(
          "honest heard",
          () => honest.peers.publish(commit(1)),
          () => victim.times(commit(1)) > 0,
        );
      });
    });
  }

  describe(`${harness.name}: bad input`, patience, () => {
    test("malformed, oversized and unknown bytes: no handler sees them, and the node goes on", async () => {
      const victim = await node(1, { limits: { maxOutputBytes: 1_024 } });
      const honest = await node(2);
      await fullMesh([victim, honest]);
      const attacker = await attack(9, victim);
      const good = harness.encode(commit(1));
      const cut = good.subarray(0, good.length - 1);
      const flipped = good.slice();
      flipped[0] = 200;
      const junk = [new Uint8Array(0), cut, flipped, new Uint8Array(1_000_000), Buffer.from("{}")];
      for (const bytes of [...junk, ...oneOfEach(1_025).slice(1, 3).map(harness.encode)])
        await attacker.send(bytes);
      await repeatUntil(
        "honest heard",
        () => honest.peers.publish(commit(7)),
        () => victim.times(commit(7)) > 0,
      );
      expect(victim.heard.filter((m) => JSON.stringify(m) !== JSON.stringify(commit(7)))).toEqual([]);
      expect(victim.log.lines.filter((line) => line.level === "error")).toEqual([]);
    });

    test("own message over the limit: refused by name where it is sent", async () => {
      const { peers } = await node(1, { limits: { maxOutputBytes: 1_024 } });
      const big = oneOfEach(1_025)[1] as PeerMessage;
      await expect(peers.publish(big)).rejects.toMatchObject({ code: "peers/bad-message", retry: "never" });
    });

    test("flood: the handler sees a bounded part, the flooder is put out, honest messages arrive", async () => {
      const limits = { messagesPerSecond: 100, messageBurst: 200, excessBeforeBan: 400, banMs: 60_000 };
      const victim = await node(1, { limits, judge: (m) => (m.operatorId === 666 ? "ignore" : "accept") });
      const honest = await node(2);
      await fullMesh([victim, honest]);
      const attacker = await attack(9, victim);
      const startedAt = performance.now();
      let sent = 0;
      const flood = (async () => {
        while (attacker.connected() && sent < 50_000) {
          await attacker.send(harness.encode(commit(sent++, 666)));
          // Lets the victim, in this same process, read what lies before it.
          if (sent % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
        }
      })();
      for (let i = 0; i < 20; i++) await honest.peers.publish(commit(i, 2));
      await until("honest heard", () => victim.heard.filter((m) => m.operatorId === 2).length === 20);
      await flood;
      await until("put out", () => !attacker.connected());
      const seconds = (performance.now() - startedAt) / 1_000;
      const judged = victim.heard.filter((m) => m.operatorId === 666).length;
      expect(judged).toBeLessThanOrEqual(200 + 100 * (seconds + 1));
      expect(sent).toBeGreaterThan(judged);
      expect(victim.log.lines.filter((line) => line.level === "warn").length).toBe(1);
      expect(victim.peers.connected()).toBe(1);
    });

    test("handler that throws: counted as ignore, logged, and the node goes on", async () => {
      const victim = await node(1, {
        judge: (m) => {
          if (m.operatorId === 666) throw new Error("broken handler");
          return "accept";
        },
      });
      const other = await node(2);
      await fullMesh([victim, other]);
      await other.peers.publish(commit(1, 666));
      await until("logged", () => victim.log.lines.some((line) => line.level === "error"));
      await other.peers.publish(commit(2));
      await until("heard", () => victim.times(commit(2)) === 1);
    });
  });

  describe(`${harness.name}: connections`, patience, () => {
    test("restart: a node that comes back with its identity and port is found again", async () => {
      const a = await node(1);
      const b = await node(2);
      a.peers.connect(b.peers.addresses());
      await until("connected", () => a.peers.connected() === 1);
      const [address = ""] = b.peers.addresses();
      const port = Number(/\/tcp\/(\d+)|:(\d+)/.exec(address)?.slice(1).find(Boolean));
      await b.peers.stop();
      await until("gone", () => a.peers.connected() === 0);

      const again = await node(2, { port });
      expect(again.peers.addresses()).toEqual([address]);
      await until("found again", () => a.peers.connected() === 1);
      await repeatUntil(
        "to it",
        () => a.peers.publish(commit(1)),
        () => again.times(commit(1)) > 0,
      );
      await repeatUntil(
        "from it",
        () => again.peers.publish(commit(2)),
        () => a.times(commit(2)) > 0,
      );
    });

    test("partition: two who were cut off hear everything repeated after it heals", async () => {
      const nodes = await Promise.all([node(1), node(2), node(3)]);
      const [a, b, c] = nodes as [Listener, Listener, Listener];
      await fullMesh(nodes);
      await a.peers.stop();
      await until("cut", () => b.peers.connected() === 1 && c.peers.connected() === 1);
      await b.peers.publish(commit(1));
      await until("the rest goes on", () => c.times(commit(1)) === 1);

      const heard: PeerMessage[] = [];
      await a.peers.start(async (message) => {
        heard.push(message);
        return "accept";
      });
      // It took another free port; the registry would tell the others.
      const addresses = nodes.flatMap((n) => n.peers.addresses());
      for (const n of nodes) n.peers.connect(addresses);
      await repeatUntil(
        "heals",
        () => b.peers.publish(commit(1)),
        () => heard.length > 0,
      );
      await repeatUntil(
        "both ways",
        () => a.peers.publish(commit(2)),
        () => c.times(commit(2)) > 0,
      );
    });

    test("connect: own addresses and dead ones do no harm, bad ones are named once", async () => {
      const a = await node(1);
      const b = await node(2);
      const list = [
        "not an address",
        "",
        harness.deadAddress,
        ...a.peers.addresses(),
        ...b.peers.addresses(),
      ];
      a.peers.connect(list);
      a.peers.connect(list);
      await until("connected", () => a.peers.connected() === 1);
      const warnings = a.log.lines.filter((line) => line.level === "warn");
      expect(warnings.map((line) => line.fields.endpoint)).toEqual(["not an address"]);
    });

    test("strangers: they fill their own places only, and a named peer still gets in", async () => {
      const limits = { maxStrangers: 2 };
      const victim = await node(1, { limits });
      const attackers: Attacker[] = [];
      for (let i = 0; i < 5; i++) attackers.push(await attack(100 + i, victim));
      await until("three refused", () => attackers.filter((attacker) => attacker.connected()).length <= 2);
      const friend = await node(2);
      victim.peers.connect(friend.peers.addresses());
      await repeatUntil(
        "friend",
        () => friend.peers.publish(commit(1)),
        () => victim.times(commit(1)) > 0,
      );
    });

    test("port in use: a named error with the port in it", async () => {
      const server = createServer().listen(0, "127.0.0.1");
      await new Promise((resolve) => server.once("listening", resolve));
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      try {
        const error = await node(1, { port }).catch((e: unknown) => e);
        expect(error).toBeInstanceOf(CoprocessorError);
        expect(error).toMatchObject({ code: "peers/port-in-use", retry: "never", meta: { port } });
        expect((error as Error).message).toContain(String(port));
      } finally {
        await new Promise((resolve) => server.close(resolve));
      }
    });

    test("stop: ends within two seconds, and publishing afterwards does not fail", async () => {
      const nodes = await Promise.all([node(1), node(2), node(3)]);
      await fullMesh(nodes);
      for (const n of nodes) {
        const startedAt = performance.now();
        await n.peers.stop();
        expect(performance.now() - startedAt).toBeLessThan(2_000);
        await n.peers.publish(commit(1));
        expect(n.peers.connected()).toBe(0);
        expect(n.peers.addresses()).toEqual([]);
      }
    });
  });
}
