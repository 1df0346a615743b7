import { keccak256 } from "@sibyl/sdk/keccak256";
import type { Abi, Address, Hex, LocalAccount } from "viem";
import { CoprocessorError } from "../core/errors.ts";
import { GAS_ROOM_PERCENT } from "../core/outbox.ts";
import type { RpcClient } from "../rpc/rpcClient.ts";
import { type RpcRefusal, rpcRefusal } from "../rpc/rpcRefusal.ts";
import { hash32, hexData, quantity, smallQuantity } from "../rpc/rpcSchemas.ts";
import type {
  MarketFees,
  Simulation,
  TransactionPlan,
  TransactionReceipt,
  TransactionSender,
} from "./port.ts";
import { revertData, revertReason } from "./revertReason.ts";
import { feeHistory, receipt as receiptAnswer } from "./rpcAnswers.ts";

export interface ViemSenderOptions {
  rpc: RpcClient;
  /** Signs, and pays. */
  account: LocalAccount;
  /** Custom errors that calls may revert with. */
  errors: Abi;
  /** Lowest tip to bid, wei per gas; 1,000,000 (0.001 gwei) when not given: validators skip less. */
  minPriorityFeePerGas?: bigint;
}

const FEE_HISTORY_BLOCKS = 10;

/** Sends one account's transactions over JSON-RPC; viem signs and encodes. */
export function createViemSender(options: ViemSenderOptions): TransactionSender {
  const { rpc, account } = options;
  const minTip = options.minPriorityFeePerGas ?? 1_000_000n;

  async function simulate(to: Address, data: Hex, value = 0n): Promise<Simulation> {
    const call = {
      from: account.address,
      to,
      data,
      ...(value === 0n ? {} : { value: `0x${value.toString(16)}` }),
    };
    try {
      const gas = await rpc.request(quantity, "eth_estimateGas", [call]);
      return { type: "ok", gas: gas + (gas * GAS_ROOM_PERCENT) / 100n };
    } catch (error) {
      const refusal = rpcRefusal(error);
      if (!refusal) throw error;
      const returned = revertData(refusal.data) ?? (await callForRevert(rpc, call));
      if (returned === null) throw simulationFailed(refusal, error);
      return { type: "reverted", ...revertReason(options.errors, returned) };
    }
  }

  async function call(to: Address, data: Hex, gas: bigint): Promise<Hex | null> {
    const wanted = { from: account.address, to, data, gas: `0x${gas.toString(16)}` };
    try {
      return await rpc.request(hexData, "eth_call", [wanted, "pending"]);
    } catch (error) {
      if (rpcRefusal(error) === null) throw error;
      return null;
    }
  }

  async function fees(): Promise<MarketFees> {
    const history = await rpc.request(feeHistory, "eth_feeHistory", [
      `0x${FEE_HISTORY_BLOCKS.toString(16)}`,
      "latest",
      [50],
    ]);
    const baseFeePerGas = history.baseFeePerGas.at(-1) as bigint;
    const tips = (history.reward ?? [])
      .flatMap(([tip]) => (tip ? [tip] : []))
      .sort((a, b) => (a < b ? -1 : 1));
    const median = tips[tips.length >> 1] ?? 0n;
    const maxPriorityFeePerGas = median > minTip ? median : minTip;
    // Twice the base fee outlasts six full blocks in a row; what is not needed is not paid.
    return { baseFeePerGas, maxPriorityFeePerGas, maxFeePerGas: 2n * baseFeePerGas + maxPriorityFeePerGas };
  }

  async function sign(plan: TransactionPlan): Promise<{ hash: Hex; raw: Hex }> {
    const raw = await account.signTransaction({
      ...plan,
      type: "eip1559",
      chainId: rpc.chainId,
      value: plan.value ?? 0n,
    });
    return { hash: keccak256(raw), raw };
  }

  async function broadcast(raw: Hex): Promise<void> {
    try {
      await rpc.request(hash32, "eth_sendRawTransaction", [raw]);
    } catch (error) {
      const refusal = rpcRefusal(error);
      if (!refusal) throw error;
      const fact = broadcastFact(refusal.message);
      if (fact === "already-known") return;
      const hash = keccak256(raw);
      if (fact === "nonce-used" && (await receipt(hash)) !== null) return;
      throw new CoprocessorError(`Transaction ${hash} was not taken: ${refusal.message}`, {
        code: `submit/${fact}`,
        retry: fact === "nonce-used" ? "never" : "backoff",
        meta: { hash, account: account.address },
        cause: error,
      });
    }
  }

  async function receipt(hash: Hex): Promise<TransactionReceipt | null> {
    const found = await rpc.request(receiptAnswer, "eth_getTransactionReceipt", [hash]);
    if (!found) return null;
    const { status, ...rest } = found;
    return { ...rest, succeeded: status === 1n };
  }

  return {
    address: account.address,
    simulate,
    call,
    fees,
    sign,
    broadcast,
    receipt,
    latestNonce: () => rpc.request(smallQuantity, "eth_getTransactionCount", [account.address, "latest"]),
    balance: () => rpc.request(quantity, "eth_getBalance", [account.address, "latest"]),
  };
}

type BroadcastFact =
  | "already-known"
  | "nonce-used"
  | "underpriced"
  | "insufficient-funds"
  | "broadcast-failed";

/** Clients word these refusals differently and share no codes. */
function broadcastFact(message: string): BroadcastFact {
  if (/already known|alreadyknown|already imported|known transaction|already exists/i.test(message))
    return "already-known";
  if (/nonce too low|nonce is too low|old ?nonce|nonce has already been used/i.test(message))
    return "nonce-used";
  if (/underpriced|fee too low|replacement fee|less than block base fee/i.test(message)) return "underpriced";
  if (/insufficient funds|insufficient balance/i.test(message)) return "insufficient-funds";
  return "broadcast-failed";
}

/** Asks for the returned data of a call whose gas estimate failed without any; null when the call does not revert. */
async function callForRevert(rpc: RpcClient, call: object): Promise<Hex | null> {
  try {
    await rpc.request(hexData, "eth_call", [call, "latest"]);
    return null;
  } catch (error) {
    const refusal = rpcRefusal(error);
    if (!refusal) throw error;
    return revertData(refusal.data) ?? (/revert/i.test(refusal.message) ? "0x" : null);
  }
}

function simulationFailed(refusal: RpcRefusal, cause: unknown): CoprocessorError {
  return new CoprocessorError(`The call could not be simulated: ${refusal.message}`, {
    code: "submit/simulation-failed",
    retry: "backoff",
    meta: { rpcCode: refusal.code },
    cause,
  });
}
