import { type Attack, UNANIMOUS } from "../attack.ts";

const CUT_MS = 8_000;

/** No cheat at all: the network between the operators fails while requests are open, and comes back. */
export const partition: Attack = {
  name: "partition",
  tries: `cuts every link between operators for ${CUT_MS / 1_000} s while requests are open`,
  model: "iris",
  policy: UNANIMOUS,
  seats: 0,
  outageMs: CUT_MS,
  play({ arena }) {
    let healing: NodeJS.Timeout | null = null;
    return {
      async asked({ place }) {
        if (place !== 0) return;
        arena.links.cut();
        healing = setTimeout(() => arena.links.heal(), CUT_MS);
      },
      async end() {
        if (healing !== null) clearTimeout(healing);
        arena.links.heal();
      },
    };
  },
};
