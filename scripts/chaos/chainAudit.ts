import { inferenceOracleAbi, unpackFunds, unpackRequest } from "@sibyl/sdk";
import { type Address, type Hex, parseEventLogs, zeroAddress } from "viem";
import { GAS_MONEY_WEI } from "../network/registerOperator.ts";
import type { ChaosNetwork } from "./chaosNetwork.ts";
import { expectedLedger, type OpenedRequest, type Payout, total } from "./ledgerAudit.ts";

/** What the chain says happened, read by the harness itself from the chain's own endpoint. */
export interface ChainFacts {
  opened: OpenedRequest[];
  payouts: Payout[];
  refunds: { requestId: Hex; refundedWei: bigint }[];
}

/** Sum of all differences between what is owed by the logs and what the contract holds, and what is wrong. */
export interface BalanceAudit {
  errorWei: bigint;
  faults: string[];
}

export async function readChain({ client, protocol, attesters }: ChaosNetwork): Promise<ChainFacts> {
  const logs = await client.reader.getLogs({ address: protocol.oracle, fromBlock: protocol.startBlock });
  const events = parseEventLogs({ abi: inferenceOracleAbi, logs });
  const facts: ChainFacts = { opened: [], payouts: [], refunds: [] };
  for (const event of events) {
    switch (event.eventName) {
      case "RequestOpened": {
        const { requestId, request } = event.args;
        facts.opened.push({ requestId, fields: unpackRequest(request) });
        break;
      }
      case "RequestSettled": {
        const { requestId, signers, gasPaid } = event.args;
        const { from } = await client.reader.getTransaction({ hash: event.transactionHash });
        const submitter = attesters.find(({ address }) => sameAddress(address, from));
        facts.payouts.push({ requestId, signers, gasPaid, submitterId: submitter?.operatorId ?? null });
        break;
      }
      case "RequestExpired": {
        const { fee, gasReserve } = unpackFunds(event.args.refunded);
        facts.refunds.push({ requestId: event.args.requestId, refundedWei: fee + gasReserve });
        break;
      }
    }
  }
  return facts;
}

/**
 * Compares every balance with what the logs make it: operators' earnings, models' shares, consumers' credit, the oracle's
 * own coins, and the attesters' accounts, which pay gas and nothing else.
 */
export async function auditBalances(
  network: ChaosNetwork,
  { opened, payouts, refunds }: ChainFacts,
): Promise<BalanceAudit> {
  const { client, protocol, attesters, models } = network;
  const { reader } = client;
  const { paidIn, gasSpent } = await readAccounts(network);
  const expected = expectedLedger(opened, payouts, refunds, paidIn);
  const read = { abi: inferenceOracleAbi, address: protocol.oracle } as const;
  const faults: string[] = [];
  let errorWei = 0n;
  const compare = (what: string, found: bigint, wanted: bigint) => {
    if (found === wanted) return;
    errorWei += found > wanted ? found - wanted : wanted - found;
    faults.push(`${what}: ${found} wei, and ${wanted} wei by the logs`);
  };

  let owed = 0n;
  for (const { operatorId, address } of attesters) {
    const args = [operatorId, zeroAddress] as const;
    const earned = await reader.readContract({ ...read, functionName: "earningsOf", args });
    compare(`earnings of operator ${operatorId}`, earned, expected.earnings.get(operatorId) ?? 0n);
    owed += earned;
    const spent = gasSpent.get(address.toLowerCase()) ?? 0n;
    compare(`account of attester ${address}`, await reader.getBalance({ address }), GAS_MONEY_WEI - spent);
  }
  for (const { modelId, manifest } of Object.values(models)) {
    const args = [modelId, zeroAddress] as const;
    const [royalties, protocolShare] = await reader.readContract({ ...read, functionName: "sharesOf", args });
    compare(`shares of ${manifest.name}`, royalties + protocolShare, expected.shares.get(modelId) ?? 0n);
    owed += royalties + protocolShare;
  }
  for (const [consumer, wanted] of expected.credit) {
    const args = [consumer as Address, zeroAddress] as const;
    const credit = await reader.readContract({ ...read, functionName: "creditOf", args });
    compare(`credit of ${consumer}`, credit, wanted);
    owed += credit;
  }
  const closed = new Set([...payouts, ...refunds].map(({ requestId }) => requestId));
  const escrow = opened.filter(({ requestId }) => !closed.has(requestId));
  owed += total(new Map(escrow.map(({ requestId, fields }) => [requestId, fields.fee + fields.gasReserve])));
  compare("the oracle's coins", await reader.getBalance({ address: protocol.oracle }), owed);
  return { errorWei, faults };
}

/** From every block: what consumers sent to the oracle, and what attesters spent on gas. */
async function readAccounts({ client, protocol, attesters }: ChaosNetwork) {
  const paidIn = new Map<string, bigint>();
  const gasSpent = new Map<string, bigint>();
  const head = await client.reader.getBlockNumber({ cacheTime: 0 });
  for (let blockNumber = protocol.startBlock; blockNumber <= head; blockNumber += 1n) {
    const { transactions } = await client.reader.getBlock({ blockNumber, includeTransactions: true });
    for (const { hash, from, to, value } of transactions) {
      const account = from.toLowerCase();
      const isAttester = attesters.some(({ address }) => sameAddress(address, from));
      const isPayment = value > 0n && to !== null && sameAddress(to, protocol.oracle);
      if (!isAttester && !isPayment) continue;
      const receipt = await client.reader.getTransactionReceipt({ hash });
      if (isAttester) {
        const spent = receipt.gasUsed * receipt.effectiveGasPrice;
        gasSpent.set(account, (gasSpent.get(account) ?? 0n) + spent);
      }
      if (isPayment && receipt.status === "success") paidIn.set(account, (paidIn.get(account) ?? 0n) + value);
    }
  }
  return { paidIn, gasSpent };
}

const sameAddress = (one: Address, other: Address): boolean => one.toLowerCase() === other.toLowerCase();
