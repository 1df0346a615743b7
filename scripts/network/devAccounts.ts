import { type Hex, toHex } from "viem";
import { type HDAccount, mnemonicToAccount } from "viem/accounts";

/** Anvil's public development mnemonic: worth nothing anywhere, and never to be used for anything else. */
const MNEMONIC = "test test test test test test test test test test test junk";

/** Accounts that anvil endows with 10,000 ether each. */
export const ENDOWED_ACCOUNTS = 40;
export const MAX_OPERATORS = 20;

/** Who uses which account of the mnemonic on a local network. */
const INDEX = { deployer: 0, publisher: 1, author: 2, asker: 3, firstOwner: 10, firstAttester: 100 } as const;

/** Deploys the protocol, owns it and is its guardian. */
export const deployer = (): HDAccount => devAccount(INDEX.deployer);
/** Publishes models. */
export const publisher = (): HDAccount => devAccount(INDEX.publisher);
/** Pays for messages. */
export const author = (): HDAccount => devAccount(INDEX.author);
/** Pays for what `npm run ask` asks, so that its nonces are its own. */
export const asker = (): HDAccount => devAccount(INDEX.asker);
/** Owns the stake of operator `place`, counted from 0. */
export const operatorOwner = (place: number): HDAccount => devAccount(INDEX.firstOwner + place);
/** Signs and settles for operator `place`, counted from 0; not endowed. */
export const operatorAttester = (place: number): HDAccount => devAccount(INDEX.firstAttester + place);

export function privateKeyOf(account: HDAccount): Hex {
  const { privateKey } = account.getHdKey();
  if (privateKey === null || privateKey === undefined)
    throw new Error(`${account.address} has no private key`);
  return toHex(privateKey);
}

const cache = new Map<number, HDAccount>();

function devAccount(addressIndex: number): HDAccount {
  const known = cache.get(addressIndex) ?? mnemonicToAccount(MNEMONIC, { addressIndex });
  cache.set(addressIndex, known);
  return known;
}
