import { createHash } from "node:crypto";
import { type Mutation, mutationsOf } from "./mutations.ts";
import { type AstNode, type Span, visits } from "./solidityAst.ts";

/** One source with one change. */
export interface Mutant extends Mutation {
  /** Stays the same while the function around it does: `file#function operator: before => after`, one line. */
  id: string;
  source: string;
  /** Line of the change, from 1. */
  line: number;
  /** The line, or lines, as they were and as they are. */
  before: string;
  after: string;
}

/** All mutants of one source. @param text Its text; `ast` its syntax tree. */
export function mutantsOf(source: string, text: string, ast: AstNode): Mutant[] {
  const bytes = Buffer.from(text);
  const slice = ({ start, end }: Span) => bytes.subarray(start, end).toString();
  const seen = new Map<string, number>();
  const mutants: Mutant[] = [];
  for (const visit of visits(ast)) {
    for (const mutation of mutationsOf(visit, slice)) {
      const around = [...visit.parents, { node: visit.node }]
        .map(({ node }) => node)
        .filter(({ nodeType }) => /^(Function|Modifier|Contract)Definition$/.test(nodeType))
        .map((node) => String(node.name || node.kind))
        .join(".");
      const shown = `${oneLine(slice(mutation))} => ${oneLine(mutation.replacement) || "nothing"}`;
      const name = `${source}#${around} ${mutation.operator}: ${shown}`;
      const nth = (seen.get(name) ?? 0) + 1;
      seen.set(name, nth);
      mutants.push({
        ...mutation,
        source,
        id: nth === 1 ? name : `${name} (${nth})`,
        ...linesOf(bytes, mutation),
      });
    }
  }
  return mutants;
}

/** The source with the change made. */
export function mutated(text: string, { start, end, replacement }: Mutation): string {
  const bytes = Buffer.from(text);
  return `${bytes.subarray(0, start)}${replacement}${bytes.subarray(end)}`;
}

/** In an order that depends on the seed and the mutants alone, so that a new mutant does not move the others. */
export function shuffled(mutants: readonly Mutant[], seed: string): Mutant[] {
  const rank = new Map(
    mutants.map(({ id }) => [id, createHash("sha256").update(`${seed}\n${id}`).digest("hex")]),
  );
  return [...mutants].sort((a, b) => ((rank.get(a.id) as string) < (rank.get(b.id) as string) ? -1 : 1));
}

const oneLine = (text: string) => text.replace(/\s+/g, " ").trim();

function linesOf(bytes: Buffer, mutation: Mutation): { line: number; before: string; after: string } {
  const from = bytes.lastIndexOf("\n", mutation.start - 1) + 1;
  const newline = bytes.indexOf("\n", mutation.end);
  const to = newline === -1 ? bytes.length : newline;
  return {
    line: bytes.subarray(0, mutation.start).toString().split("\n").length,
    before: bytes.subarray(from, to).toString(),
    after: `${bytes.subarray(from, mutation.start)}${mutation.replacement}${bytes.subarray(mutation.end, to)}`,
  };
}
