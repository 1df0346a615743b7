import { mutated } from "./mutants.ts";
import { type AstNode, childOf, childrenOf, spanOf, visits } from "./solidityAst.ts";
import type { ContractPlace } from "./solidityProject.ts";

/**
 * Rewrites a test's source so that its `setUp` deploys from forge's artifacts: `new Oracle(a, b)` becomes
 * `Oracle(vm.deployCode("contracts/Oracle.sol:Oracle", abi.encode(a, b)))`. Such a test needs no compiler when a contract
 * changes. (Forge has `dynamic_test_linking` for it, which leaves abstract fixtures as they are.)
 */
export function deployFromArtifacts(
  text: string,
  ast: AstNode,
  deployable: readonly ContractPlace[],
): string {
  const bytes = Buffer.from(text);
  const calls = [...visits(ast)]
    .filter(({ parents }) => parents.some(({ node }) => node.name === "setUp"))
    .map(({ node }) => ({ node, place: deployedBy(node, deployable) }))
    .sort((a, b) => spanOf(b.node).start - spanOf(a.node).start);
  let result = text;
  for (const { node, place } of calls) {
    if (place === undefined) continue;
    const given = childrenOf(node, "arguments").map((argument) => {
      const { start, end } = spanOf(argument);
      return bytes.subarray(start, end).toString();
    });
    const replacement = `${place.name}(vm.deployCode("${place.source}:${place.name}", abi.encode(${given.join(", ")})))`;
    result = mutated(result, { ...spanOf(node), operator: "", replacement });
  }
  return result;
}

function deployedBy(node: AstNode, deployable: readonly ContractPlace[]): ContractPlace | undefined {
  const created = childOf(node, "expression");
  if (node.nodeType !== "FunctionCall" || created?.nodeType !== "NewExpression") return undefined;
  const path = childOf(childOf(created, "typeName") ?? created, "pathNode");
  return deployable.find(({ name }) => name === path?.name);
}
