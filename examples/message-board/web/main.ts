import { formatEther } from "viem";
import { messageBoardAbi } from "../messageBoardAbi.ts";
import { showAccount } from "./account.ts";
import { connect } from "./connect.ts";
import { element, percent } from "./dom.ts";
import { onClick, tellStory } from "./story.ts";

const connection = await connect();
const { client, network } = connection;
const board = { abi: messageBoardAbi, address: network.contracts.board as `0x${string}` };
const text = element("text", HTMLTextAreaElement);

text.addEventListener("input", () => void showFee());

onClick("post", async () => {
  if (text.value.trim() === "") throw new Error("Say something first.");
  const args = [text.value] as const;
  const value = await client.readContract({ ...board, functionName: "postFee", args });
  const answer = await tellStory(connection, board, async (sender) => {
    const { request } = await sender.simulateContract({ ...board, functionName: "post", args, value });
    return sender.writeContract(request);
  });
  if (answer !== null) text.value = "";
  await showPosts();
});

showAccount(connection);
await Promise.all([showFee(), showPosts()]);
element("post", HTMLButtonElement).disabled = false;

async function showFee(): Promise<void> {
  const fee = await client.readContract({ ...board, functionName: "postFee", args: [text.value] });
  element("cost", HTMLElement).textContent = `attaches ${formatEther(fee)} ETH`;
}

/** What the board says of every post that was judged, latest first. */
async function showPosts(): Promise<void> {
  const all = { ...board, fromBlock: 0n, strict: true } as const;
  const [posted, judged] = await Promise.all([
    client.getContractEvents({ ...all, eventName: "Posted" }),
    client.getContractEvents({ ...all, eventName: "Judged" }),
  ]);
  const texts = new Map(posted.map(({ args }) => [args.requestId, args.text]));
  const cards = judged.reverse().map(({ args }) => {
    const card = document.createElement("div");
    card.className = "card";
    card.style.marginBottom = "0.6rem";
    const status = args.published ? "published" : "held";
    card.dataset.status = status;
    const verdict = document.createElement("small");
    verdict.textContent = `${status}, ${percent(args.confidenceWad)} sure`;
    // As text and never as markup: anybody can post anything.
    const words = document.createElement("div");
    words.textContent = args.published ? (texts.get(args.requestId) ?? "") : "(held back as spam)";
    card.append(words, verdict);
    return card;
  });
  element("posts", HTMLElement).replaceChildren(...cards);
}
