import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { encode } from "cborg";
import { afterEach, describe, expect, test } from "vitest";
import type { CoprocessorError } from "../../../coprocessor/core/errors.ts";
import type { OracleScope } from "../../../coprocessor/core/messages.ts";
import { RECORD_LIFETIME_S } from "../../../coprocessor/core/peerRecord.ts";
import { packFrames, unpackFrames } from "../../../coprocessor/peers/frames.ts";
import { createHttpPeers, type HttpPeersOptions } from "../../../coprocessor/peers/httpPeers.ts";
import { type PeerKey, peerKeyFromSeed, provePost, readHello } from "../../../coprocessor/peers/httpProof.ts";
import { gossipTopic } from "../../../coprocessor/peers/libp2pPeers.ts";
import { anonymous } from "../../../coprocessor/peers/recordBook.ts";
import { encodeRecord } from "../../../coprocessor/peers/recordWire.ts";
import { collectedLog } from "../collectedLog.ts";
import { peersConformance } from "./conformance.ts";
import { operatorIdentity, signRecord } from "./identity.ts";
import { listening, until } from "./network.ts";
import { bundled, commit } from "./samples.ts";

const scope: OracleScope = { chainId: 31_337, oracle: "0x5FbDB2315678afecb367f032d93F642f64180aa3" };
const topic = gossipTopic(scope);
const seedOf = (identity: number) => Buffer.alloc(32, identity);
/** Waits that suit a test; the decisions are the same. */
const times = { minMs: 50, maxMs: 400, heartbeatMs: 200 };

/** One that signs its posts as it should, for whoever it is, and posts what it likes. */
async function poster(identity: number, to: string) {
  const key: PeerKey = await peerKeyFromSeed(seedOf(identity));
  const issuedAt = Math.floor(Date.now() / 1_000);
  const fields = { ...scope, peerId: key.peerId, operatorId: identity, addresses: [] };
  const record = await signRecord({ ...fields, issuedAt, expiresAt: issuedAt + RECORD_LIFETIME_S });
  const nonce = randomBytes(16);
  const hello = await fetch(`${to}/${topic}/peer?nonce=${nonce.toString("hex")}`);
  const shown = await readHello(topic, nonce, new Uint8Array(await hello.arrayBuffer()));
  const proof = (body: Uint8Array, more: { to?: string; nowMs?: number; record?: Uint8Array } = {}) =>
    provePost(key, topic, {
      to: shown?.peerId ?? "",
      body,
      record: encodeRecord(record),
      nowMs: Date.now(),
      ...more,
    });
  const send = async (headers: Record<string, string>, body: Uint8Array, path = `/${topic}/messages`) => {
    const response = await fetch(to + path, { method: "POST", headers, body: Buffer.from(body) });
    const text = await response.text();
    return { status: response.status, code: text === "" ? null : (JSON.parse(text).code as string) };
  };
  return { key, record, shown, proof, send };
}

peersConformance({
  name: "httpPeers",
  relays: false,
  create: ({ identity, port, limits, log }) =>
    createHttpPeers({
      scope,
      seed: `0x${seedOf(identity).toString("hex")}`,
      identity: operatorIdentity(scope, identity),
      listen: { host: "127.0.0.1", port },
      times,
      log,
      ...(limits ? { limits } : {}),
    }),
  encode: (message) => bundled(message),
  deadAddress: "http://127.0.0.1:1",

  async attacker(identity) {
    let by: Awaited<ReturnType<typeof poster>> | null = null;
    let heard = false;
    const post = async (body: Uint8Array) => {
      if (by === null) throw new Error("not connected");
      const { status } = await by.send(await by.proof(body), body);
      // 413 and 400 tell of the body, 429 of the pace: the next one would be looked at.
      heard = status !== 403 && status !== 401;
    };
    return {
      connected: () => heard,
      async connect([address = ""]) {
        by = await poster(identity, address);
        await post(new Uint8Array(0));
      },
      send: (bytes) => post(packFrames([bytes])),
      async stop() {
        heard = false;
      },
    };
  },
});

describe("httpPeers: what only HTTP has", { timeout: 60_000 }, () => {
  const open: (() => Promise<void>)[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((stop) => stop()));
  });

  async function node(identity: number, more: Partial<HttpPeersOptions> = {}) {
    const listener = await listening((log) =>
      createHttpPeers({
        scope,
        seed: `0x${seedOf(identity).toString("hex")}`,
        identity: operatorIdentity(scope, identity),
        listen: { host: "127.0.0.1", port: 0 },
        times,
        log,
        ...more,
      }),
    );
    open.push(() => listener.peers.stop());
    return { ...listener, url: listener.peers.addresses()[0] as string };
  }

  test("frames: any messages come back, and no other bytes are frames", () => {
    const messages = [new Uint8Array(0), randomBytes(3), randomBytes(70_000)];
    const packed = packFrames(messages);
    expect(unpackFrames(packed, 3)?.map((frame) => Buffer.from(frame).toString("hex"))).toEqual(
      messages.map((message) => Buffer.from(message).toString("hex")),
    );
    expect(unpackFrames(packed, 2)).toBe(null);
    expect(unpackFrames(packed.subarray(0, packed.length - 1), 3)).toBe(null);
    expect(unpackFrames(Buffer.from("{}"), 3)).toBe(null);
    expect(unpackFrames(new Uint8Array(0), 3)).toEqual([]);
  });

  test("post: what its headers prove is heard, once", async () => {
    const victim = await node(1);
    const by = await poster(9, victim.url);
    const body = packFrames([bundled(commit(1)), bundled(commit(2))]);
    const headers = await by.proof(body);
    expect(await by.send(headers, body)).toEqual({ status: 204, code: null });
    await until("heard", () => victim.heard.length === 2);
    expect(await by.send(headers, body)).toEqual({ status: 409, code: "peers/replayed" });
  });

  test("bad posts: each refused by name, nothing of them is heard, and the node goes on", async () => {
    const victim = await node(1, { limits: { doubtBurst: 100_000 } });
    const by = await poster(9, victim.url);
    const body = packFrames([bundled(commit(1))]);
    const record = (more: object) =>
      signRecord({ ...by.record, ...more }).then((signed) => ({ record: encodeRecord(signed) }));
    const hour = 3_600_000;
    const nowS = Math.floor(Date.now() / 1_000);
    const bytes = async (more: object) => by.send(await by.proof(body, more), body);

    expect(await by.send({}, body)).toEqual({ status: 400, code: "peers/malformed" });
    const good = await by.proof(body);
    expect(await by.send({ ...good, "sibyl-post": "AAAA" }, body)).toMatchObject({ status: 400 });
    expect(await by.send({ ...good, "sibyl-peer": "%%%" }, body)).toMatchObject({ status: 400 });
    const keyless = Buffer.from(encode({ key: new Uint8Array(32), record: encodeRecord(by.record) }));
    expect(await by.send({ ...good, "sibyl-peer": keyless.toString("base64url") }, body)).toMatchObject({
      status: 401,
    });
    expect(await bytes({ to: by.key.peerId })).toEqual({ status: 421, code: "peers/not-me" });
    expect(await bytes({ nowMs: Date.now() - hour })).toEqual({ status: 401, code: "peers/clock-off" });
    expect(await bytes({ nowMs: Date.now() + hour })).toEqual({ status: 401, code: "peers/clock-off" });
    const other = await poster(8, victim.url);
    const forged = { ...good, "sibyl-peer": (await other.proof(body))["sibyl-peer"] as string };
    expect(await by.send(forged, body)).toEqual({ status: 401, code: "peers/bad-signature" });
    expect(await bytes(await record({ chainId: 1 }))).toMatchObject({ code: "peers/record-wrong-scope" });
    expect(await bytes(await record({ peerId: other.key.peerId }))).toMatchObject({
      status: 403,
      code: "peers/record-wrong-peer",
    });
    expect(await bytes(await record({ issuedAt: nowS - 3_600, expiresAt: nowS - 1_800 }))).toMatchObject({
      status: 403,
      code: "peers/record-expired",
    });
    expect(await bytes(await record({ issuedAt: nowS + 3_600, expiresAt: nowS + 5_400 }))).toMatchObject({
      code: "peers/record-not-yet-valid",
    });
    expect(await bytes(await record({ operatorId: 200 }))).toMatchObject({
      status: 403,
      code: "peers/record-unknown-operator",
    });
    expect(await bytes({ record: Buffer.from("{}") })).toMatchObject({ code: "peers/record-malformed" });
    expect(await by.send(await by.proof(body), packFrames([bundled(commit(2))]))).toEqual({
      status: 400,
      code: "peers/malformed",
    });
    const noFrames = Buffer.from("{}");
    expect(await by.send(await by.proof(noFrames), noFrames)).toMatchObject({ status: 400 });
    const huge = new Uint8Array(2_000_000);
    expect(await by.send(await by.proof(huge), huge)).toEqual({ status: 413, code: "peers/too-large" });
    expect(await by.send(good, body, "/elsewhere")).toMatchObject({ status: 404, code: "peers/not-here" });

    expect(victim.heard).toEqual([]);
    expect(await by.send(await by.proof(body), body)).toEqual({ status: 204, code: null });
    await until("heard", () => victim.heard.length === 1);
    expect(victim.log.lines.filter(({ level }) => level === "error" || level === "warn")).toEqual([]);
  });

  test("strangers: what they ask and try is bounded by their address, and operators are still heard", async () => {
    const victim = await node(1, { limits: { messagesPerSecond: 1 } });
    const friend = await node(2);
    const stranger = await poster(200, victim.url);
    victim.peers.connect([friend.url]);
    await until("connected", () => friend.peers.connected() === 1);
    let refused = 0;
    for (let n = 0; n < 1_000; n++) {
      const response = await fetch(`${victim.url}/${topic}/peer?nonce=${"00".repeat(16)}`);
      await response.arrayBuffer();
      if (response.status === 429) refused += 1;
    }
    expect(refused).toBeGreaterThan(100);
    // Not even looked at: neither the signature nor the record.
    const body = packFrames([bundled(commit(2))]);
    const headers = await stranger.proof(body);
    expect(await stranger.send(headers, body)).toEqual({ status: 429, code: "peers/too-many" });
    await friend.peers.publish(commit(1));
    await until("heard", () => victim.times(commit(1)) === 1);
  });

  test("addresses: a peer behind a proxy is found at what it announces, and only if it proves to be there", async () => {
    const hidden = await node(2);
    const target = new URL(hidden.url);
    const requests: string[] = [];
    const proxy = createServer(async (request, response) => {
      requests.push(request.url ?? "");
      const body: Buffer[] = [];
      for await (const part of request) body.push(part as Buffer);
      const answer = await fetch(new URL((request.url ?? "").replace(/^\/peers/, ""), target), {
        method: request.method ?? "GET",
        headers: Object.entries(request.headers)
          .filter(([name]) => name.startsWith("sibyl"))
          .map(([name, value]) => [name, String(value)] as [string, string]),
        ...(request.method === "POST" ? { body: Buffer.concat(body) } : {}),
      });
      response.writeHead(answer.status).end(Buffer.from(await answer.arrayBuffer()));
    }).listen(0, "127.0.0.1");
    open.push(async () => void proxy.close());
    await until("the proxy", () => proxy.listening);
    const a = await node(1);
    a.peers.connect([`http://127.0.0.1:${(proxy.address() as AddressInfo).port}/peers`]);
    await until("both", () => a.peers.connected() === 1 && hidden.peers.connected() === 1);
    expect(requests[0]).toContain(`/peers/${topic}/peer?nonce=`);
    expect(a.peers.operators()).toEqual([2]);
  });

  test("an address where no operator is: it is asked who it is, and posted nothing", async () => {
    const asked: string[] = [];
    const somebody = createServer((request, response) => {
      asked.push(`${request.method} ${request.url?.split("?")[0]}`);
      response.end("hello");
    }).listen(0, "127.0.0.1");
    open.push(async () => void somebody.close());
    await until("somebody", () => somebody.listening);
    const stranger = await node(200);
    const a = await node(1);
    a.peers.connect([`http://127.0.0.1:${(somebody.address() as AddressInfo).port}`, stranger.url]);
    await until("asked", () => asked.length >= 3);
    await a.peers.publish(commit(1));
    await until("asked again", () => asked.length >= 4);
    expect(new Set(asked)).toEqual(new Set([`GET /${topic}/peer`]));
    expect(a.peers.connected()).toBe(0);
    expect(stranger.heard).toEqual([]);
  });

  test("two addresses of one peer: it is one peer, and hears everything once", async () => {
    const a = await node(1);
    const b = await node(2);
    a.peers.connect([b.url, b.url.replace("127.0.0.1", "localhost")]);
    await until("connected", () => a.peers.connected() === 1);
    for (let n = 0; n < 10; n++) await a.peers.publish(commit(n));
    await until("heard", () => b.heard.length === 10);
    expect(a.peers.traffic().sent).toBe(10);
    expect(a.peers.connected()).toBe(1);
  });

  test("operator without a record: it is told apart from one that is away, and says nothing", async () => {
    const a = await node(1, { identity: { ...operatorIdentity(scope, 1), issue: anonymous.issue } });
    const b = await node(2);
    b.peers.connect([a.url]);
    await until("told", () =>
      b.log.lines.some(({ fields }) => String(fields.reason).includes("peers/no-operator")),
    );
    expect(b.peers.connected()).toBe(0);
  });

  test("bad options: refused by name before anything is opened", () => {
    const good = {
      scope,
      seed: `0x${"11".repeat(32)}`,
      identity: anonymous,
      listen: { host: "127.0.0.1", port: 0 },
      log: collectedLog(),
    } as const;
    const code = (more: Partial<HttpPeersOptions>) => {
      try {
        createHttpPeers({ ...good, ...more });
        return null;
      } catch (error) {
        return (error as CoprocessorError).code;
      }
    };
    expect(code({})).toBe(null);
    expect(code({ seed: "0x1234" })).toBe("peers/bad-seed");
    expect(code({ announce: ["/ip4/203.0.113.7/tcp/4001"] })).toBe("peers/bad-announce-address");
    expect(code({ announce: ["https://user:secret@operator.example"] })).toBe("peers/bad-announce-address");
    expect(code({ announce: ["https://operator.example/sibyl"] })).toBe(null);
  });

  test("listening: an address of another machine is a named error", async () => {
    // TEST-NET-1 is nobody's.
    const elsewhere = node(1, { listen: { host: "192.0.2.1", port: 0 } });
    await expect(elsewhere).rejects.toMatchObject({ code: "peers/address-not-available", retry: "never" });
  });
});
