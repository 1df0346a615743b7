/** A node of the syntax tree that solc prints; fields beyond these depend on `nodeType`. */
export interface AstNode {
  nodeType: string;
  /** `start:length:file`, both in bytes of the UTF-8 source. */
  src: string;
  [field: string]: unknown;
}

/** A node's place in its source, in bytes. */
export interface Span {
  start: number;
  end: number;
}

export const isNode = (value: unknown): value is AstNode =>
  typeof value === "object" &&
  value !== null &&
  typeof (value as Partial<AstNode>).nodeType === "string" &&
  typeof (value as Partial<AstNode>).src === "string";

/** @throws Error when the node says no place, which solc's nodes always do. */
export function spanOf(node: AstNode): Span {
  const [start, length] = node.src.split(":").map(Number);
  if (start === undefined || length === undefined || Number.isNaN(start + length))
    throw new Error(`solc's syntax tree: "${node.src}" of a ${node.nodeType} is no place`);
  return { start, end: start + length };
}

/** Where a node stands: the fields through which it was reached, outermost first. */
export interface Visit {
  node: AstNode;
  parents: readonly { node: AstNode; field: string }[];
}

/** All nodes below `root` in source order as far as solc keeps it, with those above each. */
export function* visits(root: AstNode): Generator<Visit> {
  yield* below(root, []);
}

function* below(node: AstNode, parents: Visit["parents"]): Generator<Visit> {
  yield { node, parents };
  for (const [field, value] of Object.entries(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (isNode(child)) yield* below(child, [...parents, { node, field }]);
    }
  }
}

/** The field's value when it is a node. */
export function childOf(node: AstNode, field: string): AstNode | undefined {
  const value = node[field];
  return isNode(value) ? value : undefined;
}

/** The field's value when it is a list, as the nodes in it. */
export function childrenOf(node: AstNode, field: string): AstNode[] {
  const value = node[field];
  return Array.isArray(value) ? value.filter(isNode) : [];
}

/** The compiler's name of an expression's type; "" where it has none. */
export function typeOf(node: AstNode): string {
  const types = node.typeDescriptions as { typeString?: string } | undefined;
  return types?.typeString ?? "";
}
