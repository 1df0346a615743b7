import { formatEther, parseEventLogs, toHex, zeroAddress } from "viem";
import { collectibleAbi } from "../collectibleAbi.ts";
import { showAccount } from "./account.ts";
import { connect } from "./connect.ts";
import { element, percent } from "./dom.ts";
import { type Drawing, normalised, SIDE } from "./drawing.ts";
import { onClick, tellStory } from "./story.ts";

const PEN_PIXELS = 20;

const connection = await connect();
const { client, network } = connection;
const collectible = { abi: collectibleAbi, address: network.contracts.collectible as `0x${string}` };
const canvas = element("canvas", HTMLCanvasElement);
const pen = contextOf(canvas);
pen.lineWidth = PEN_PIXELS;
pen.lineCap = "round";
pen.lineJoin = "round";

canvas.addEventListener("pointerdown", ({ offsetX, offsetY }) => {
  pen.beginPath();
  pen.moveTo(offsetX, offsetY);
});
canvas.addEventListener("pointermove", ({ buttons, offsetX, offsetY }) => {
  if (buttons === 0) return;
  pen.lineTo(offsetX, offsetY);
  pen.stroke();
  preview();
});

onClick("clear", async () => {
  pen.clearRect(0, 0, canvas.width, canvas.height);
  preview();
});

onClick("mint", async () => {
  element("verdict", HTMLElement).textContent = "";
  const pixels = normalised(drawn());
  if (pixels === null) throw new Error("Draw a digit first.");
  const value = await client.readContract({ ...collectible, functionName: "mintFee" });
  const answer = await tellStory(connection, collectible, async (sender) => {
    const { request } = await sender.simulateContract({
      ...collectible,
      functionName: "mint",
      args: [toHex(pixels)],
      value,
    });
    return sender.writeContract(request);
  });
  if (answer === null) return;
  const { logs } = await client.getTransactionReceipt({ hash: answer.transactionHash });
  const read = parseEventLogs({ abi: collectibleAbi, eventName: "Read", logs }).find(
    ({ args }) => args.requestId === answer.requestId,
  );
  if (read === undefined) throw new Error("The contract could not take the answer; it can be redelivered.");
  const { digit, confidenceWad, tokenId } = read.args;
  element("verdict", HTMLElement).textContent =
    tokenId === 0n
      ? `Perhaps a ${digit}, but only ${percent(confidenceWad)} sure: no token.`
      : `A ${digit}, ${percent(confidenceWad)} sure. It is token ${tokenId}.`;
  if (tokenId !== 0n) await addToken(tokenId);
  await refresh();
});

showAccount(connection, refresh);
await refresh();
element("mint", HTMLButtonElement).disabled = false;

/** What is on the canvas, as ink. */
function drawn(): Drawing {
  const { width, height } = canvas;
  const { data } = pen.getImageData(0, 0, width, height);
  return {
    width,
    height,
    ink: Uint8Array.from({ length: width * height }, (_, at) => data[4 * at + 3] ?? 0),
  };
}

function preview(): void {
  const context = contextOf(element("preview", HTMLCanvasElement));
  const image = context.createImageData(SIDE, SIDE);
  for (const [at, grey] of (normalised(drawn()) ?? new Uint8Array(SIDE * SIDE)).entries()) {
    image.data.set([255 - grey, 255 - grey, 255 - grey, 255], 4 * at);
  }
  context.putImageData(image, 0, 0);
}

async function refresh(): Promise<void> {
  // Nobody's, before a wallet is connected.
  const owner = connection.address() ?? zeroAddress;
  const [fee, complete, ...balances] = await Promise.all([
    client.readContract({ ...collectible, functionName: "mintFee" }),
    client.readContract({ ...collectible, functionName: "hasFullSet", args: [owner] }),
    ...Array.from({ length: 10 }, (_, digit) =>
      client.readContract({ ...collectible, functionName: "digitBalanceOf", args: [owner, digit] }),
    ),
  ]);
  element("cost", HTMLElement).textContent = `attaches ${formatEther(fee)} ETH`;
  const have = balances.filter((balance) => balance > 0n).length;
  element("set", HTMLElement).textContent = complete ? "complete" : `${have} of 10 digits`;
}

/** Shows a token as any marketplace would: by the image in its own metadata. */
async function addToken(tokenId: bigint): Promise<void> {
  const uri = await client.readContract({ ...collectible, functionName: "tokenURI", args: [tokenId] });
  const metadata = (await (await fetch(uri)).json()) as { name: string; image: string };
  const picture = document.createElement("img");
  picture.src = metadata.image;
  picture.alt = metadata.name;
  picture.width = 84;
  picture.className = "card";
  element("tokens", HTMLElement).append(picture);
}

function contextOf(target: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = target.getContext("2d", { willReadFrequently: true });
  if (context === null) throw new Error("this browser cannot draw");
  return context;
}
