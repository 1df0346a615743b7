import {
  type Address,
  concat,
  getTypesForEIP712Domain,
  type Hex,
  hashDomain,
  hashStruct,
  type LocalAccount,
  parseSignature,
  serializeTransaction,
  type TypedDataDefinition,
  toPrefixedMessage,
} from "viem";
import { toAccount } from "viem/accounts";

/** Signs `keccak256(preimage)`: 65 bytes (r, s, v), s in the lower half, v 27 or 28. */
export type SignPreimage = (preimage: Hex) => Promise<Hex>;

/** A viem account of a signer that hashes what it is given: all that an account signs is the hash of some bytes. */
export function preimageAccount(address: Address, sign: SignPreimage): LocalAccount {
  return toAccount({
    address,
    signMessage: ({ message }) => sign(toPrefixedMessage(message)),
    signTypedData: (typedData) => sign(typedDataPreimage(typedData as TypedDataDefinition)),
    async signTransaction(transaction, { serializer = serializeTransaction } = {}) {
      const signature = await sign((await serializer(transaction)) as Hex);
      return (await serializer(transaction, parseSignature(signature))) as Hex;
    },
  });
}

/** What EIP-712 hashes to the digest that is signed. */
function typedDataPreimage({ domain = {}, types, primaryType, message }: TypedDataDefinition): Hex {
  const all = { EIP712Domain: getTypesForEIP712Domain({ domain }), ...types };
  // Cast: the library infers its types from literal ones, and these are known only at run time.
  const content = hashStruct({ data: message, primaryType, types: all } as never);
  return concat(["0x1901", hashDomain({ domain, types: all } as never), content]);
}
