import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { Wallet } from "@ethereumjs/wallet";
import { type Address, bytesToHex, getAddress, type Hex } from "viem";
import { z } from "zod";
import { CoprocessorError } from "../core/errors.ts";

/** Longest keystore file that is read; real ones have about 500 bytes. */
const MAX_FILE_BYTES = 64 * 1024;

/** Costs above these only keep the node from starting: 128 N r bytes of memory, and seconds of CPU. */
const MAX_SCRYPT_MEMORY_BYTES = 512 * 1024 * 1024;
const MAX_PBKDF2_ROUNDS = 10_000_000;

const hexDigits = z.string().regex(/^([0-9a-fA-F]{2})+$/, "must be hex digits");

const kdf = z.discriminatedUnion("kdf", [
  z.looseObject({
    kdf: z.literal("scrypt"),
    kdfparams: z
      .looseObject({
        dklen: z.literal(32),
        n: z.int().min(2),
        p: z.int().min(1).max(64),
        r: z.int().min(1).max(64),
        salt: hexDigits,
      })
      .refine(({ n, r }) => 128 * n * r <= MAX_SCRYPT_MEMORY_BYTES, { message: "asks for too much memory" }),
  }),
  z.looseObject({
    kdf: z.literal("pbkdf2"),
    kdfparams: z.looseObject({
      c: z.int().min(1).max(MAX_PBKDF2_ROUNDS),
      dklen: z.literal(32),
      prf: z.literal("hmac-sha256"),
      salt: hexDigits,
    }),
  }),
]);

/** Version 3 of Ethereum's secret storage, as geth, foundry and wallets write it. */
const keystoreSchema = z.looseObject({
  version: z.literal(3),
  crypto: kdf.and(
    z.looseObject({
      cipher: z.literal("aes-128-ctr"),
      cipherparams: z.looseObject({ iv: hexDigits }),
      ciphertext: hexDigits,
      mac: hexDigits,
    }),
  ),
});

/**
 * Reads the private key out of an Ethereum V3 keystore file.
 *
 * @throws CoprocessorError `keys/keystore-unreadable` when there is no such file or it holds something else,
 * `keys/wrong-password`. No message holds any of the file or the password.
 */
export async function readKeystore(path: string, password: string): Promise<Hex> {
  const text = await read(path, MAX_FILE_BYTES);
  const parsed = keystoreSchema.safeParse(jsonOf(text));
  if (!parsed.success) {
    const where = parsed.error.issues.map((issue) => `${issue.path.join(".") || "it"} ${issue.message}`);
    throw unreadable(path, `it is no Ethereum V3 keystore: ${where.join("; ")}`);
  }
  try {
    const wallet = await Wallet.fromV3(text, password, true);
    return bytesToHex(wallet.getPrivateKey());
  } catch {
    // The library's message is dropped: whatever it quotes is a secret or derived from one.
    throw new CoprocessorError(`The keystore ${path} does not open with this password.`, {
      code: "keys/wrong-password",
      retry: "never",
      meta: { path },
    });
  }
}

/** The password in a file, without the line end that editors add. */
export async function readPasswordFile(path: string): Promise<string> {
  return (await read(path, MAX_FILE_BYTES)).replace(/\r?\n$/, "");
}

/**
 * Makes a new key and writes it as a V3 keystore that only this user may read.
 *
 * @returns the key's address.
 * @throws CoprocessorError `keys/keystore-exists`: a key is never overwritten.
 */
export async function createKeystore(path: string, password: string): Promise<Address> {
  // Before the seconds that the encryption takes; the flag below decides.
  if (existsSync(path)) throw alreadyThere(path);
  const wallet = Wallet.generate();
  try {
    await writeFile(path, `${await wallet.toV3String(password)}\n`, { flag: "wx", mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw alreadyThere(path);
  }
  return getAddress(wallet.getAddressString());
}

function alreadyThere(path: string): CoprocessorError {
  return new CoprocessorError(`${path} exists; a keystore is never overwritten.`, {
    code: "keys/keystore-exists",
    retry: "never",
    meta: { path },
  });
}

async function read(path: string, maxBytes: number): Promise<string> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw unreadable(path, (error as NodeJS.ErrnoException).code ?? "it cannot be read");
  }
  if (text.length > maxBytes) throw unreadable(path, `it has more than ${maxBytes} bytes`);
  return text;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unreadable(path: string, reason: string): CoprocessorError {
  return new CoprocessorError(`${path} cannot be used: ${reason}`, {
    code: "keys/keystore-unreadable",
    retry: "never",
    meta: { path },
  });
}
