import { type AstNode, childOf, childrenOf, type Span, spanOf, typeOf, type Visit } from "./solidityAst.ts";

/** One change of a source: these bytes become that text. */
export interface Mutation extends Span {
  operator: string;
  replacement: string;
}

/** Reads the source's text between two byte offsets. */
type Text = (span: Span) => string;

const SWAPS: Record<string, readonly string[]> = {
  "+": ["-"],
  "-": ["+"],
  "*": ["/"],
  "/": ["*"],
  "%": ["*"],
  "<<": [">>"],
  ">>": ["<<"],
  "&": ["|"],
  "|": ["&"],
  "^": ["&"],
  // The boundary, and the opposite.
  "<": ["<=", ">="],
  "<=": ["<", ">"],
  ">": [">=", "<="],
  ">=": [">", "<"],
  "==": ["!="],
  "!=": ["=="],
  "&&": ["||"],
  "||": ["&&"],
  "+=": ["-="],
  "-=": ["+="],
  "<<=": [">>="],
  "++": ["--"],
  "--": ["++"],
};

const YUL_SWAPS: Record<string, string> = {
  add: "sub",
  sub: "add",
  mul: "add",
  and: "or",
  or: "and",
  shl: "shr",
  shr: "shl",
  eq: "lt",
  lt: "gt",
  gt: "lt",
};

/** The ways in which one node can be made wrong; none for most nodes. */
export function* mutationsOf(visit: Visit, text: Text): Generator<Mutation> {
  const { node } = visit;
  switch (node.nodeType) {
    case "BinaryOperation":
      yield* swappedOperator(node, childOf(node, "leftExpression"), childOf(node, "rightExpression"), text);
      break;
    case "Assignment":
      yield* swappedOperator(node, childOf(node, "leftHandSide"), childOf(node, "rightHandSide"), text);
      break;
    case "UnaryOperation":
      yield* unary(node, text);
      break;
    case "IfStatement":
      yield* branch(node, text);
      break;
    case "Conditional":
      yield* swapped(
        "branches swapped",
        childOf(node, "trueExpression"),
        childOf(node, "falseExpression"),
        text,
      );
      break;
    case "ExpressionStatement":
    case "EmitStatement":
    case "RevertStatement":
    case "Break":
    case "Continue":
      yield* deleted(visit, text);
      break;
    case "Literal":
      yield* literal(visit, text);
      break;
    case "MemberAccess":
      yield* enumMember(node, text);
      break;
    case "ModifierInvocation":
      if (node.kind === "modifierInvocation")
        yield { ...spanOf(node), operator: "modifier removed", replacement: "" };
      break;
    case "FunctionCall":
      yield* swappedArguments(node, text);
      break;
    case "Return":
      yield* returned(node, text);
      break;
    case "YulFunctionCall":
      yield* yulCall(node);
      break;
    case "YulLiteral":
      if (node.kind === "number")
        yield { ...spanOf(node), operator: "constant", replacement: `add(${text(spanOf(node))}, 1)` };
      break;
  }
}

function* swappedOperator(node: AstNode, left: AstNode | undefined, right: AstNode | undefined, text: Text) {
  if (left === undefined || right === undefined) return;
  const operator = String(node.operator);
  // Between the operands may also stand parentheses and comments.
  const between = { start: spanOf(left).end, end: spanOf(right).start };
  const at = Buffer.from(text(between)).indexOf(operator);
  if (at === -1) return;
  const start = between.start + at;
  for (const other of SWAPS[operator] ?? [])
    yield { start, end: start + operator.length, operator: `${operator} to ${other}`, replacement: other };
}

function* unary(node: AstNode, text: Text): Generator<Mutation> {
  const operand = childOf(node, "subExpression");
  if (operand === undefined) return;
  const operator = String(node.operator);
  if (operator === "!")
    yield { ...spanOf(node), operator: "negation removed", replacement: text(spanOf(operand)) };
  for (const other of operator === "++" || operator === "--" ? (SWAPS[operator] ?? []) : []) {
    const replacement = node.prefix ? `${other}${text(spanOf(operand))}` : `${text(spanOf(operand))}${other}`;
    yield { ...spanOf(node), operator: `${operator} to ${other}`, replacement };
  }
}

function* branch(node: AstNode, text: Text): Generator<Mutation> {
  const condition = childOf(node, "condition");
  if (condition === undefined) return;
  yield {
    ...spanOf(condition),
    operator: "condition negated",
    replacement: `!(${text(spanOf(condition))})`,
  };
  if (childOf(node, "falseBody") === undefined) yield withoutStatement(node, text);
}

function* deleted({ node, parents }: Visit, text: Text): Generator<Mutation> {
  const parent = parents.at(-1);
  // Without its step a loop only runs until the time limit, and an `if` around a lone revert is deleted as a whole.
  if (parent?.field === "loopExpression" || parent?.field === "initializationExpression") return;
  if (node.nodeType === "RevertStatement" && parent?.node.nodeType === "IfStatement") return;
  yield withoutStatement(node, text);
}

/** Solc ends a statement before its semicolon, and an empty block must not be followed by one. */
function withoutStatement(node: AstNode, text: Text): Mutation {
  const { start, end } = spanOf(node);
  const semicolon = /^\s*;/.exec(text({ start: end, end: end + 100 }));
  return { start, end: end + (semicolon?.[0].length ?? 0), operator: "statement deleted", replacement: "{}" };
}

function* literal({ node, parents }: Visit, text: Text): Generator<Mutation> {
  // Sizes of types, and what only stands inside of one.
  if (parents.some(({ node: parent }) => /TypeName$|^YulBlock$/.test(parent.nodeType))) return;
  const span = spanOf(node);
  if (node.kind === "bool") {
    yield { ...span, operator: "constant", replacement: node.value === "true" ? "false" : "true" };
  } else if (node.kind === "number") {
    const shown = text(span);
    const isZero = /^0(x0*)?$/.test(shown);
    yield { ...span, operator: "constant", replacement: isZero ? "1" : `(${shown} + 1)` };
    if (!isZero) yield { ...span, operator: "constant", replacement: `(${shown} - 1)` };
    if (!isZero && shown !== "1") yield { ...span, operator: "constant", replacement: "0" };
  }
}

/** `Status.Open` becomes the enum's next member, which the compiler knows by number. */
function* enumMember(node: AstNode, text: Text): Generator<Mutation> {
  const type = childOf(node, "expression");
  if (type === undefined || !typeOf(type).startsWith("type(enum ")) return;
  const name = text(spanOf(type));
  const shown = text(spanOf(node));
  yield {
    ...spanOf(node),
    operator: "constant",
    replacement: `(${shown} == type(${name}).max ? type(${name}).min : ${name}(uint8(${shown}) + 1))`,
  };
}

function* swappedArguments(node: AstNode, text: Text): Generator<Mutation> {
  // With names before them, the places of arguments say nothing.
  if (Array.isArray(node.names) && node.names.length > 0) return;
  const given = childrenOf(node, "arguments");
  for (const [i, second] of given.entries()) {
    const first = given[i - 1];
    if (first === undefined || typeOf(first) !== typeOf(second)) continue;
    if (text(spanOf(first)) !== text(spanOf(second)))
      yield* swapped("arguments swapped", first, second, text);
  }
}

function* swapped(operator: string, first: AstNode | undefined, second: AstNode | undefined, text: Text) {
  if (first === undefined || second === undefined) return;
  const [a, b] = [spanOf(first), spanOf(second)];
  const between = text({ start: a.end, end: b.start });
  yield { start: a.start, end: b.end, operator, replacement: `${text(b)}${between}${text(a)}` };
}

function* returned(node: AstNode, text: Text): Generator<Mutation> {
  const value = childOf(node, "expression");
  if (value === undefined) return;
  if (typeOf(value) === "bool")
    yield { ...spanOf(value), operator: "return negated", replacement: `!(${text(spanOf(value))})` };
  else if (/^u?int\d+$/.test(typeOf(value)) && value.nodeType !== "Literal")
    yield { ...spanOf(value), operator: "return zeroed", replacement: "0" };
}

function* yulCall(node: AstNode): Generator<Mutation> {
  const name = childOf(node, "functionName");
  const other = YUL_SWAPS[String(name?.name)];
  if (name !== undefined && other !== undefined)
    yield { ...spanOf(name), operator: `${name.name} to ${other}`, replacement: other };
}
