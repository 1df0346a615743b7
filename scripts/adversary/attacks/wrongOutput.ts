import { type Attack, THREE_OF_FOUR, UNANIMOUS } from "../attack.ts";
import { randomOutput, shifted, wrongLabel } from "../falseOutput.ts";
import { claiming } from "./claim.ts";

/** Signs its own output for one request, and for the next what the others sign. */
const byTurns = ({ place }: { place: number }) => (place % 2 === 0 ? "own" : "theirs");

export const lazy: Attack = {
  name: "lazy",
  tries: "answers at random instead of running the model, and signs what the others sign",
  model: "iris",
  policy: THREE_OF_FOUR,
  seats: 1,
  play: (context) =>
    claiming(context, {
      output: () => randomOutput(context.manifest, context.random),
      attests: () => "theirs",
    }),
};

export const liar: Attack = {
  name: "liar",
  tries: "gives another label with a plausible confidence, and proposes it",
  model: "spam-text",
  policy: THREE_OF_FOUR,
  seats: 1,
  play: (context) =>
    claiming(context, {
      output: ({ reference }) => wrongLabel(context.manifest, reference),
      proposes: true,
      attests: byTurns,
    }),
};

export const liarAmongThree: Attack = {
  ...liar,
  name: "liar-unanimous",
  tries: "gives another label where all three must agree, to keep the others from an answer",
  model: "iris",
  policy: UNANIMOUS,
};

export const shiftInside: Attack = {
  name: "shift-inside",
  tries: "moves the confidence by nine tenths of what the profile tolerates",
  model: "spam-text",
  policy: THREE_OF_FOUR,
  seats: 1,
  withinProfile: true,
  play: (context) =>
    claiming(context, {
      output: ({ reference }) => shifted(context.manifest, reference, 0.9),
      proposes: true,
      attests: byTurns,
    }),
};

export const shiftOutside: Attack = {
  name: "shift-outside",
  tries: "moves the confidence by half as much again as the profile tolerates",
  model: "spam-text",
  policy: THREE_OF_FOUR,
  seats: 1,
  play: (context) =>
    claiming(context, {
      output: ({ reference }) => shifted(context.manifest, reference, 1.5),
      proposes: true,
      attests: byTurns,
    }),
};
