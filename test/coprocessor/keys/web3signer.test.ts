import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { attestationTypedData, commitTypedData } from "@sibyl/sdk";
import { bytesToHex, type Hex, hexToBytes, keccak256 } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { afterEach, describe, expect, it } from "vitest";
import { createPrivateKeySigner } from "../../../coprocessor/keys/privateKey.ts";
import { createWeb3signerKey } from "../../../coprocessor/keys/web3signer.ts";

/** anvil's first two public development keys. */
const FIRST = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
const SECOND = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";
const first = privateKeyToAccount(FIRST);

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

interface Behaviour {
  /** Keys that it lists; the key that it signs with is the last one given for an identifier. */
  keys?: readonly Hex[];
  /** Signs for whatever identifier with this one. */
  signWith?: Hex;
  /** Signs each time anew, as some hardware does. */
  extraEntropy?: boolean;
  answer?: (signature: Hex, call: number) => { status?: number; text: string };
}

function signed(hash: Hex, key: Hex, extraEntropy: boolean): Hex {
  const recovered = secp256k1.sign(hexToBytes(hash), hexToBytes(key), {
    prehash: false,
    format: "recovered",
    extraEntropy,
  });
  return `${bytesToHex(recovered.subarray(1))}${recovered[0] === 0 ? "1b" : "1c"}`;
}

/** Speaks web3signer's eth1 API, which is a Java program that the tests cannot install. */
async function startSigner({
  keys = [SECOND, FIRST],
  signWith,
  extraEntropy = false,
  answer,
}: Behaviour = {}) {
  const accounts = keys.map((key) => ({ key, publicKey: privateKeyToAccount(key).publicKey }));
  let calls = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", async () => {
      if (request.method === "GET" && request.url === "/api/v1/eth1/publicKeys") {
        response.setHeader("content-type", "application/json");
        // Without the 04 that marks an uncompressed point, as web3signer lists them.
        response.end(JSON.stringify(accounts.map(({ publicKey }) => `0x${publicKey.slice(4)}`)));
        return;
      }
      const identifier = /^\/api\/v1\/eth1\/sign\/(0x[0-9a-f]{128})$/.exec(request.url ?? "")?.[1];
      const holder = accounts.find(({ publicKey }) => publicKey.slice(4) === identifier?.slice(2));
      if (request.method !== "POST" || holder === undefined) {
        response.statusCode = 404;
        response.end("Resource not found");
        return;
      }
      const { data } = JSON.parse(Buffer.concat(chunks).toString()) as { data: Hex };
      const signature = signed(keccak256(data), signWith ?? holder.key, extraEntropy);
      calls += 1;
      const { status = 200, text } = answer?.(signature, calls) ?? { text: signature };
      response.statusCode = status;
      response.end(text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  closers.push(close);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

const open = (url: string) => createWeb3signerKey({ url, address: first.address, timeoutMs: 2_000 });

async function failureOf(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  return promise.then(
    () => expect.fail("it succeeded"),
    (error) => error,
  );
}

const scope = { chainId: 31_337, oracle: first.address };
const word = keccak256("0x01");

describe("createWeb3signerKey", () => {
  it("signed: typed data, messages and transactions as the same key signs them here", async () => {
    const key = await open((await startSigner()).url);
    expect(key.address).toBe(first.address);
    const attestation = attestationTypedData(scope, { requestHash: word, outputHash: word, view: 3 });
    expect(await key.account.signTypedData(attestation)).toBe(await first.signTypedData(attestation));
    const commit = commitTypedData(scope, { requestHash: word, commitment: word });
    expect(await key.account.signTypedData(commit)).toBe(await first.signTypedData(commit));
    expect(await key.account.signMessage({ message: "hello" })).toBe(
      await first.signMessage({ message: "hello" }),
    );
    const transaction = {
      type: "eip1559",
      chainId: 31_337,
      nonce: 7,
      to: first.address,
      data: "0x1234",
      gas: 100_000n,
      maxFeePerGas: 10n,
      maxPriorityFeePerGas: 1n,
      value: 0n,
    } as const;
    expect(await key.account.signTransaction(transaction)).toBe(await first.signTransaction(transaction));
  });

  it("derived: the secrets are those of the same key in the environment", async () => {
    const key = await open((await startSigner()).url);
    expect(await key.derive("salt/1")).toBe(await createPrivateKeySigner(FIRST).derive("salt/1"));
  });

  it.each([
    ["a JSON string", (signature: Hex) => ({ text: JSON.stringify(signature) })],
    ["a line end", (signature: Hex) => ({ text: `${signature}\n` })],
    [
      "v of 0 or 1",
      (signature: Hex) => ({ text: `${signature.slice(0, 130)}0${signature.endsWith("1b") ? 0 : 1}` }),
    ],
  ])("signed: %s in the answer is understood", async (_, answer) => {
    const key = await open((await startSigner({ answer })).url);
    expect(await key.account.signMessage({ message: "hello" })).toBe(
      await first.signMessage({ message: "hello" }),
    );
  });

  it("keys/unknown-key: the signer does not hold the attester's key", async () => {
    const error = await failureOf(open((await startSigner({ keys: [SECOND] })).url));
    expect(error).toMatchObject({ code: "keys/unknown-key", retry: "never" });
    expect(error.message).toContain(first.address);
  });

  it("keys/signer-refused: a signature of another key is never used", async () => {
    const error = await failureOf(open((await startSigner({ signWith: SECOND })).url));
    expect(error).toMatchObject({ code: "keys/signer-refused" });
    expect(error.message).toContain(`in place of ${first.address}`);
  });

  it.each([
    ["garbage", () => ({ text: "<html>" }), /no signature/],
    ["an error status", () => ({ status: 500, text: "" }), /answered 500/],
  ])("keys/signer-refused: %s", async (_, answer, reason) => {
    const error = await failureOf(open((await startSigner({ answer })).url));
    expect(error).toMatchObject({ code: "keys/signer-refused", retry: "backoff" });
    expect(error.message).toMatch(reason);
  });

  it("keys/signer-unreachable: nothing listens, or no longer does", async () => {
    const signer = await startSigner();
    const key = await open(signer.url);
    await signer.close();
    const unreachable = { code: "keys/signer-unreachable", retry: "backoff" };
    expect(await failureOf(open(signer.url))).toMatchObject(unreachable);
    expect(await failureOf(key.account.signMessage({ message: "hello" }))).toMatchObject(unreachable);
  });

  it("keys/not-deterministic: two signatures of one message mean lost salts", async () => {
    const error = await failureOf(open((await startSigner({ extraEntropy: true })).url));
    expect(error).toMatchObject({ code: "keys/not-deterministic", retry: "never" });
  });
});
