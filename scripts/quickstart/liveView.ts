import type { WriteStream } from "node:tty";
import pc from "picocolors";
import { isRight, type MessageProgress } from "./messageProgress.ts";
import type { View } from "./view.ts";
import { excerpt, grouped, ids, percent, shortHash, time } from "./wording.ts";

/** Milliseconds between two paintings; more often nobody can read. */
const FRAME_MS = 100;
const NARROWEST = 40;

interface Column {
  title: string;
  width: number;
  right?: boolean;
  cell(message: MessageProgress, quorum: number): { text: string; paint?: (text: string) => string };
}

const COLUMNS: Column[] = [
  { title: "#", width: 2, right: true, cell: ({ number }) => ({ text: String(number), paint: pc.dim }) },
  {
    title: "request",
    width: 10,
    cell: ({ opening }) => ({ text: opening ? shortHash(opening.requestId) : "" }),
  },
  { title: "drawn", width: 7, cell: ({ drawn, opening }) => ({ text: opening ? ids(drawn) : "" }) },
  {
    title: "commits",
    width: 7,
    cell: ({ committed, opening }) => ({ text: opening ? ids(committed) : "", paint: pc.cyan }),
  },
  {
    title: "agreed",
    width: 6,
    cell: ({ settlement, opening, expiry }, quorum) => {
      if (expiry) return { text: "no", paint: pc.red };
      if (settlement) return { text: `${settlement.signers.length}/${quorum}`, paint: pc.green };
      return { text: opening ? "…" : "", paint: pc.dim };
    },
  },
  {
    title: "settled in",
    width: 10,
    cell: ({ settlement, expiry }) => {
      if (expiry) return { text: "refunded", paint: pc.yellow };
      return { text: settlement ? shortHash(settlement.transaction) : "" };
    },
  },
  {
    title: "gas",
    width: 7,
    right: true,
    cell: ({ settlement }) => ({ text: settlement ? grouped(settlement.gasUsed) : "", paint: pc.dim }),
  },
  {
    title: "answer",
    width: 12,
    cell: ({ settlement }) => ({
      text: settlement ? `${settlement.label.padEnd(4)} ${percent(settlement.confidence).padStart(7)}` : "",
      paint: pc.bold,
    }),
  },
  {
    title: "truth",
    width: 6,
    cell: (message) => {
      const { sample, settlement } = message;
      if (settlement === null) return { text: "" };
      const right = isRight(message);
      return { text: `${right ? "✓" : "✗"} ${sample.label}`, paint: right ? pc.green : pc.red };
    },
  },
  {
    title: "time",
    width: 6,
    right: true,
    cell: (message) => ({ text: message.settlement ? time(message) : "" }),
  },
];

/** A table of all messages that changes in place. */
export function createLiveView(out: WriteStream, quorum: number): View {
  const rows = new Map<number, MessageProgress>();
  let painted = 0;
  let timer: NodeJS.Timeout | null = null;

  const paint = () => {
    timer = null;
    const width = out.columns ?? 80;
    const lines = [
      pc.dim(heading(width)),
      ...[...rows.values()].map((message) => row(message, quorum, width)),
    ];
    // Up over what was painted before; each line is cleared to its end.
    const up = painted > 0 ? `\x1b[${painted}A` : "";
    out.write(`${up}${lines.map((line) => `${line}\x1b[K\n`).join("")}`);
    painted = lines.length;
  };

  return {
    step: (text) => out.write(`${pc.dim("·")} ${text}\n`),
    show(message) {
      if (message.opening === null) return;
      rows.set(message.number, message);
      timer ??= setTimeout(paint, FRAME_MS);
    },
    end() {
      if (timer !== null) clearTimeout(timer);
      if (rows.size > 0) paint();
      rows.clear();
      painted = 0;
    },
  };
}

/** Whole columns as far as the terminal is wide, then the message's text in what is left. */
function layout(width: number): { columns: Column[]; rest: number } {
  const columns: Column[] = [];
  let used = 0;
  for (const column of COLUMNS) {
    if (used + column.width + 1 > width) break;
    columns.push(column);
    used += column.width + 1;
  }
  return { columns, rest: Math.max(NARROWEST, width) - used - 1 };
}

function heading(width: number): string {
  const { columns, rest } = layout(width);
  const titles = columns.map((column) => pad(column.title, column)).join(" ");
  return rest > 12 ? `${titles} message` : titles;
}

function row(message: MessageProgress, quorum: number, width: number): string {
  const { columns, rest } = layout(width);
  const cells = columns.map((column) => {
    const { text, paint } = column.cell(message, quorum);
    const padded = pad(text, column);
    return paint ? paint(padded) : padded;
  });
  return rest > 12 ? `${cells.join(" ")} ${pc.dim(excerpt(message.sample.text, rest))}` : cells.join(" ");
}

const pad = (text: string, { width, right }: Column): string => {
  const cut = text.length > width ? `${text.slice(0, width - 1)}…` : text;
  return right ? cut.padStart(width) : cut.padEnd(width);
};
