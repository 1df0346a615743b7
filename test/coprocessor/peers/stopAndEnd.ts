import { createLibp2pPeers } from "../../../coprocessor/peers/libp2pPeers.ts";
import { listening, until } from "./network.ts";
import { commit } from "./samples.ts";

// A process of its own: two nodes talk, one target is dead, both stop, and the process has to end by itself.
const [a, b] = await Promise.all(
  ["11", "22"].map((digits) =>
    listening((log) =>
      createLibp2pPeers({
        scope: { chainId: 1, oracle: "0x5FbDB2315678afecb367f032d93F642f64180aa3" },
        seed: `0x${digits.repeat(32)}`,
        listen: { host: "127.0.0.1", port: 0 },
        log,
      }),
    ),
  ),
);
if (!a || !b) throw new Error("two nodes");
a.peers.connect([...b.peers.addresses(), "/ip4/127.0.0.1/tcp/1"]);
await until("connected", () => a.peers.connected() === 1 && b.peers.connected() === 1, 10_000);
await a.peers.publish(commit(1));
await until("heard", () => b.times(commit(1)) === 1);
await Promise.all([a.peers.stop(), b.peers.stop()]);
process.send?.("stopped");
process.channel?.unref();
