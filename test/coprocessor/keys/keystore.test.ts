import { createCipheriv, pbkdf2Sync, randomBytes, randomUUID, scryptSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bytesToHex, concat, type Hex, hexToBytes, keccak256 } from "viem";
import { privateKeyToAddress } from "viem/accounts";
import { afterAll, describe, expect, it } from "vitest";
import { createKeystore, readKeystore, readPasswordFile } from "../../../coprocessor/keys/keystore.ts";

/** anvil's first public development key. */
const KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
const PASSWORD = "correct horse, bättery";

const folder = mkdtempSync(join(tmpdir(), "sibyl-keystore-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const digits = (bytes: Uint8Array) => bytesToHex(bytes).slice(2);

/** A keystore as the definition of Ethereum's secret storage says, made without the library that reads it. */
function sealed(kdf: "scrypt" | "pbkdf2") {
  const [salt, iv] = [randomBytes(32), randomBytes(16)];
  // geth's parameters, less work.
  const scrypt = { dklen: 32, n: 4096, r: 8, p: 1, salt: digits(salt) };
  const pbkdf2 = { dklen: 32, c: 1000, prf: "hmac-sha256", salt: digits(salt) };
  const derived =
    kdf === "scrypt"
      ? scryptSync(PASSWORD, salt, 32, { N: scrypt.n, r: scrypt.r, p: scrypt.p })
      : pbkdf2Sync(PASSWORD, salt, pbkdf2.c, 32, "sha256");
  const cipher = createCipheriv("aes-128-ctr", derived.subarray(0, 16), iv);
  const ciphertext = Buffer.concat([cipher.update(hexToBytes(KEY)), cipher.final()]);
  const mac = keccak256(concat([bytesToHex(derived.subarray(16, 32)), bytesToHex(ciphertext)]));
  return {
    version: 3,
    id: randomUUID(),
    address: privateKeyToAddress(KEY).slice(2).toLowerCase(),
    crypto: {
      cipher: "aes-128-ctr",
      cipherparams: { iv: digits(iv) },
      ciphertext: digits(ciphertext),
      kdf,
      kdfparams: kdf === "scrypt" ? scrypt : pbkdf2,
      mac: mac.slice(2),
    },
  };
}

function written(content: unknown): string {
  const path = join(folder, `${randomUUID()}.json`);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

async function failureOf(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  return promise.then(
    () => expect.fail("it succeeded"),
    (error) => error,
  );
}

describe("readKeystore", () => {
  it.each(["scrypt", "pbkdf2"] as const)("opened: a %s keystore gives the key", async (kdf) => {
    expect(await readKeystore(written(sealed(kdf)), PASSWORD)).toBe(KEY);
  });

  it("opened: upper-case hex and capital field names of old wallets do not matter", async () => {
    const keystore = sealed("scrypt");
    keystore.crypto.ciphertext = keystore.crypto.ciphertext.toUpperCase();
    keystore.crypto.mac = keystore.crypto.mac.toUpperCase();
    expect(await readKeystore(written(keystore), PASSWORD)).toBe(KEY);
  });

  it("keys/wrong-password: the password is not shown", async () => {
    const error = await failureOf(readKeystore(written(sealed("scrypt")), "not this one"));
    expect(error).toMatchObject({ code: "keys/wrong-password", retry: "never" });
    expect(`${error.message} ${String(error.cause)}`).not.toContain("not this one");
  });

  it("keys/wrong-password: an altered ciphertext does not open either", async () => {
    const keystore = sealed("scrypt");
    keystore.crypto.ciphertext = `00${keystore.crypto.ciphertext.slice(2)}`;
    const error = await failureOf(readKeystore(written(keystore), PASSWORD));
    expect(error).toMatchObject({ code: "keys/wrong-password" });
  });

  it.each([
    ["no JSON", "not json", /no Ethereum V3 keystore/],
    ["version 1", { ...sealed("scrypt"), version: 1 }, /version/],
    ["an unknown kdf", { version: 3, crypto: { ...sealed("scrypt").crypto, kdf: "argon2" } }, /kdf/],
    [
      "a scrypt cost that would take 64 GiB",
      {
        version: 3,
        crypto: {
          ...sealed("scrypt").crypto,
          kdfparams: { dklen: 32, n: 2 ** 26, r: 8, p: 1, salt: "00" },
        },
      },
      /too much memory/,
    ],
    ["a huge file", "x".repeat(70_000), /more than 65536 bytes/],
  ])("keys/keystore-unreadable: %s", async (_, content, reason) => {
    const error = await failureOf(readKeystore(written(content), PASSWORD));
    expect(error).toMatchObject({ code: "keys/keystore-unreadable", retry: "never" });
    expect(error.message).toMatch(reason);
  });

  it("keys/keystore-unreadable: there is no such file", async () => {
    const error = await failureOf(readKeystore(join(folder, "missing.json"), PASSWORD));
    expect(error).toMatchObject({ code: "keys/keystore-unreadable" });
    expect(error.message).toContain("ENOENT");
  });
});

describe("createKeystore", () => {
  it("made: it opens with its password, and only this user may read it", async () => {
    const path = join(folder, "new.json");
    const address = await createKeystore(path, PASSWORD);
    const key = await readKeystore(path, PASSWORD);
    expect(privateKeyToAddress(key as Hex)).toBe(address);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, "utf8")).not.toContain(key.slice(2));
  }, 60_000);

  it("keys/keystore-exists: an existing file is left as it is", async () => {
    const path = written("something of value");
    const error = await failureOf(createKeystore(path, PASSWORD));
    expect(error).toMatchObject({ code: "keys/keystore-exists", retry: "never" });
    expect(readFileSync(path, "utf8")).toBe("something of value");
  }, 60_000);
});

describe("readPasswordFile", () => {
  it.each([
    [`${PASSWORD}\n`, PASSWORD],
    [`${PASSWORD}\r\n`, PASSWORD],
    [` ${PASSWORD} `, ` ${PASSWORD} `],
  ])("one line end is not part of the password, spaces are: %j", async (content, password) => {
    expect(await readPasswordFile(written(content))).toBe(password);
  });
});
