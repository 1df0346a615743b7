import { inferenceOracleAbi } from "@sibyl/sdk";
import {
  type Address,
  createPublicClient,
  createWalletClient,
  defineChain,
  getAddress,
  type Hex,
  http,
  isAddress,
  type LocalAccount,
} from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { CoprocessorError } from "../core/errors.ts";

/**
 * The owner's connection to the protocol, from RPC_URL, ORACLE_ADDRESS and OWNER_KEY.
 *
 * The owner holds stake and earnings and is needed for a few transactions only; the node never sees this key.
 */
export async function connectOwner(variables: Record<string, string | undefined>) {
  return connectAccount(variables, privateKeyToAccount(readKey(variables, "OWNER_KEY")));
}

/** An account's connection to the protocol, from RPC_URL and ORACLE_ADDRESS. */
export async function connectAccount(variables: Record<string, string | undefined>, account: LocalAccount) {
  const url = required(
    variables,
    "RPC_URL",
    (text) => URL.canParse(text.split(",")[0] ?? ""),
    "must be a URL",
  );
  const oracle = getAddress(
    required(
      variables,
      "ORACLE_ADDRESS",
      (text) => isAddress(text, { strict: false }),
      "must be 0x and 40 hex digits",
    ),
  );
  const transport = http(url.split(",")[0]);
  const publicClient = createPublicClient({ transport });
  const chainId = await publicClient.getChainId();
  const chain = defineChain({
    id: chainId,
    name: `chain ${chainId}`,
    nativeCurrency: { name: "native coin", symbol: "ETH", decimals: 18 },
    rpcUrls: { default: { http: [url] } },
  });
  const wallet = createWalletClient({ account, chain, transport });
  const read = (functionName: "models" | "operators"): Promise<Address> =>
    publicClient.readContract({ address: oracle, abi: inferenceOracleAbi, functionName });
  const [modelRegistry, operatorRegistry] = await Promise.all([read("models"), read("operators")]);

  /** Waits for a transaction and insists that it succeeded. */
  async function confirm(hash: Hex) {
    const receipt = await publicClient.waitForTransactionReceipt({ hash });
    if (receipt.status === "success") return receipt;
    throw new CoprocessorError(`transaction ${hash} reverted`, { code: "owner/reverted", retry: "never" });
  }

  return { chainId, account, oracle, modelRegistry, operatorRegistry, publicClient, wallet, confirm };
}

export function readKey(variables: Record<string, string | undefined>, name: string): Hex {
  const isKey = (text: string) => /^0x[0-9a-fA-F]{64}$/.test(text);
  return required(variables, name, isKey, "must be a private key: 0x and 64 hex digits") as Hex;
}

function required(
  variables: Record<string, string | undefined>,
  name: string,
  isValid: (text: string) => boolean,
  rule: string,
): string {
  const text = variables[name] ?? "";
  if (text !== "" && isValid(text)) return text;
  throw new CoprocessorError(text === "" ? `${name} is not set` : `${name} ${rule}`, {
    code: "config/invalid",
    retry: "never",
  });
}
