import { describe, expect, test } from "vitest";
import type { PeerMessage } from "../../../coprocessor/core/messages.ts";
import { createIntake } from "../../../coprocessor/peers/intake.ts";
import { defaultPeerLimits, type PeerLimits } from "../../../coprocessor/peers/limits.ts";
import type { Verdict } from "../../../coprocessor/peers/port.ts";
import { createWire, NONCE_BYTES } from "../../../coprocessor/peers/wire.ts";
import { collectedLog } from "../collectedLog.ts";
import { bundled, commit } from "./samples.ts";

/** Operators whose messages get another verdict than `accept`. */
const [IGNORED, REJECTED, THROWN] = [700, 800, 900];
const good = commit(1);
const ignored = commit(2, IGNORED);
const rejected = commit(3, REJECTED);
const thrown = commit(4, THROWN);

function intakeOf(limits: Partial<PeerLimits> = {}) {
  const heard: PeerMessage[] = [];
  const banned: string[] = [];
  const intake = createIntake({
    limits: { ...defaultPeerLimits, repeatGapMs: 60_000, ...limits },
    isTrusted: () => true,
    onBan: (peer) => banned.push(peer),
    log: collectedLog(),
  });
  const receive = (bytes: Uint8Array, peer = "a"): Promise<Verdict> =>
    intake.receive(peer, bytes, async (message) => {
      heard.push(message);
      if (message.operatorId === THROWN) throw new Error("broken handler");
      if (message.operatorId === REJECTED) return "reject";
      return message.operatorId === IGNORED ? "ignore" : "accept";
    });
  return { intake, heard, banned, receive };
}

/** A bundle with a message of a kind that we do not know. */
function withUnknown(message: PeerMessage): Uint8Array {
  const wire = createWire(1_000);
  return wire.bundle([wire.encode(message), Uint8Array.of(200, 1)], new Uint8Array(NONCE_BYTES));
}

describe("intake: the verdict on a bundle", () => {
  test.each<[string, PeerMessage[], Verdict]>([
    ["all good", [good, commit(9)], "accept"],
    ["one that nobody honest sends", [good, rejected, ignored], "reject"],
    ["one that is not ours to pass on", [good, ignored], "ignore"],
    ["one that our handler broke on", [good, thrown], "ignore"],
    ["nothing good", [ignored], "ignore"],
  ])("%s", async (_, messages, verdict) => {
    const { receive, heard, intake } = intakeOf();
    expect(await receive(bundled(...messages))).toBe(verdict);
    // Each of them was heard all the same.
    expect(heard).toEqual(messages);
    expect(intake.traffic.received).toBe(messages.length);
  });

  test("an unknown kind: what is beside it is heard, and the bundle goes no further", async () => {
    const { receive, heard } = intakeOf();
    expect(await receive(withUnknown(good))).toBe("ignore");
    expect(heard).toEqual([good]);
  });

  test("repeats: heard once, and worth nothing new; beside something new they do no harm", async () => {
    const { receive, heard } = intakeOf();
    expect(await receive(bundled(good))).toBe("accept");
    expect(await receive(bundled(good), "b")).toBe("ignore");
    expect(await receive(bundled(good, commit(9)), "b")).toBe("accept");
    expect(await receive(bundled(good, good, commit(9)), "c")).toBe("ignore");
    expect(heard).toEqual([good, commit(9)]);
  });

  test("own messages: their echo is not heard", async () => {
    const { intake, receive, heard } = intakeOf();
    const bundle = intake.bundle([intake.encode(good), intake.encode(commit(9))]);
    expect(await receive(bundle)).toBe("ignore");
    expect(heard).toEqual([]);
  });

  test.each([
    ["rejected", bundled(good, rejected)],
    ["ignored", bundled(good, ignored)],
    ["half unknown", withUnknown(good)],
  ])("a good message in a bundle that was %s: its author's own bundle is passed on", async (_, spoilt) => {
    const { receive, heard } = intakeOf();
    expect(await receive(spoilt, "attacker")).not.toBe("accept");
    expect(await receive(bundled(good), "author")).toBe("accept");
    expect(heard.filter((message) => message === good || message.operatorId === 1)).toEqual([good, good]);
  });
});

describe("intake: what a bundle costs", () => {
  test("messages, not frames: a bundle of 50 ignored ones costs what 50 alone do", async () => {
    const each = async (size: number) => {
      const { receive, heard } = intakeOf({ doubtBurst: 64, doubtPerSecond: 0.000_001 });
      for (let sent = 0; sent < 1_000; sent += size) {
        const messages = Array.from({ length: size }, (_, i) => commit(sent + i, IGNORED));
        await receive(bundled(...messages));
      }
      return heard.length;
    };
    expect(await each(1)).toBe((64 - 1) * 8 + 1);
    // 50 are held while they are judged, so the last few are not begun.
    expect(await each(50)).toBe(150);
  });

  test("malformed: one offence, whatever number of messages it claims", async () => {
    const { receive, banned } = intakeOf({ doubtBurst: 64, doubtPerSecond: 0.000_001, excessBeforeBan: 250 });
    const junk = bundled(...Array.from({ length: 20 }, (_, i) => commit(i))).slice(0, -1);
    const verdicts: Verdict[] = [];
    for (let i = 0; i < 21; i++) verdicts.push(await receive(junk));
    // 64 doubt, 8 for each, and 20 have to be there.
    expect(verdicts.filter((verdict) => verdict === "reject").length).toBe(6);
    expect(banned).toEqual(["a"]);
  });
});
