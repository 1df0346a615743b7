import type { Sample } from "./samples.ts";

/** What the model's answers are pinned on: real messages, and text of every awkward kind. */
export function goldenInputs(samples: readonly Sample[]): { name: string; text: string }[] {
  const real = samples.slice(0, 16).map(({ id, label, text }) => ({ name: `${label} ${id}`, text }));
  return [
    ...real,
    { name: "one known word", text: "money" },
    { name: "one unknown word", text: "qzxqzx" },
    { name: "shouting", text: "CLICK HERE FOR FREE MONEY!!! GUARANTEED" },
    { name: "the same in lower case", text: "click here for free money!!! guaranteed" },
    {
      name: "a question",
      text: "Has anyone got the new kernel to build with gcc 3? It fails for me in make modules.",
    },
    { name: "only emoji", text: "👍🎉😀 👩‍👩‍👧 🏳️‍🌈" },
    { name: "emoji beside words", text: "free 🎁 click 👉 here" },
    { name: "no Latin letters", text: "Привет, как дела? 你好 שלום" },
    { name: "accents", text: "Café crème à volonté, s'il vous plaît" },
    { name: "only punctuation", text: "... !!! ??? $$$ %%%" },
    { name: "a link and an address", text: "http://www.example.com/ someone@example.com" },
    { name: "line breaks and tabs", text: "Dear\r\n\tfriend,\n\n\nyou\u2028won \u00a0a prize" },
    { name: "a byte order mark and a combining accent", text: "\ufefffre\u0301e money" },
    { name: "pairs across punctuation", text: "click, here. click-here click  here click\there" },
    { name: "a word 600 times", text: "free ".repeat(600).trim() },
    { name: "one long token", text: "x".repeat(8_000) },
    { name: "the longest input", text: "Your mortgage rate! ".repeat(407).slice(0, 8_128) },
  ];
}
