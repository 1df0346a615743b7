import { formatEther, parseEther } from "viem";
import { lendingAbi, priceHistoryAbi } from "../lendingAbi.ts";
import { showAccount } from "./account.ts";
import { connect } from "./connect.ts";
import { element, percent } from "./dom.ts";
import { onClick, tellStory } from "./story.ts";

const connection = await connect();
const { client, network } = connection;
const lending = { abi: lendingAbi, address: network.contracts.lending as `0x${string}` };
const prices = { abi: priceHistoryAbi, address: network.contracts.prices as `0x${string}` };

onClick("assess", async () => {
  const value = await client.readContract({ ...lending, functionName: "assessmentCost" });
  await tellStory(connection, lending, (sender) =>
    sender.writeContract({ ...lending, functionName: "assess", value }),
  );
  await refresh();
});

onClick("borrow", async () => {
  const sender = connection.sender();
  const { request } = await sender.simulateContract({
    ...lending,
    functionName: "borrow",
    args: [parseEther(element("dollars", HTMLInputElement).value)],
    value: parseEther(element("ether", HTMLInputElement).value),
  });
  await sender.waitForTransactionReceipt({ hash: await sender.writeContract(request) });
  await refresh();
});

showAccount(connection, refresh);
await Promise.all([drawPrices(), refresh()]);
for (const id of ["assess", "borrow"]) element(id, HTMLButtonElement).disabled = false;

/** Shows what the contract says now. */
async function refresh(): Promise<void> {
  const borrower = connection.address();
  const [limit, risk, scoredAt, cost, loan] = await Promise.all([
    client.readContract({ ...lending, functionName: "loanToValueWad" }),
    client.readContract({ ...lending, functionName: "riskWad" }),
    client.readContract({ ...lending, functionName: "scoredAt" }),
    client.readContract({ ...lending, functionName: "assessmentCost" }),
    borrower && client.readContract({ ...lending, functionName: "loans", args: [borrower] }),
  ]);
  element("limit", HTMLElement).textContent = percent(limit);
  element("risk", HTMLElement).textContent =
    scoredAt === 0n
      ? "No score yet, so the lowest limit holds."
      : `The model says: a drop of 5 % within ten days has a chance of ${percent(risk)}.`;
  element("cost", HTMLElement).textContent =
    `attaches ${formatEther(cost)} ETH; what gas does not need stays with the lender`;
  const [collateralWei, debtWad] = loan ?? [0n, 0n];
  element("loan", HTMLElement).textContent =
    `You owe ${formatEther(debtWad)} dollars on ${formatEther(collateralWei)} ether.`;
}

async function drawPrices(): Promise<void> {
  const count = await client.readContract({ ...prices, functionName: "recordedDays" });
  const closes = await Promise.all(
    Array.from({ length: Number(count) }, (_, day) =>
      client.readContract({ ...prices, functionName: "closesWad", args: [BigInt(day)] }),
    ),
  );
  const values = closes.map((close) => Number(formatEther(close)));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const points = values.map(
    (value, day) => `${(day / (values.length - 1)) * 640},${115 - ((value - low) / (high - low)) * 110}`,
  );
  const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  line.setAttribute("points", points.join(" "));
  line.setAttribute("fill", "none");
  line.setAttribute("stroke", "var(--accent)");
  line.setAttribute("stroke-width", "2");
  element("chart", SVGSVGElement).append(line);
  element("price", HTMLElement).textContent = `${values.at(-1)?.toFixed(2)} dollars today`;
}
