import { afterAll, expect, test } from "vitest";
import { deployFromArtifacts } from "../../../scripts/mutate/deployFromArtifacts.ts";
import { mutantsOf, mutated, shuffled } from "../../../scripts/mutate/mutants.ts";
import { CompilationError, SolcThread } from "../../../scripts/mutate/solcThread.ts";
import type { AstNode } from "../../../scripts/mutate/solidityAst.ts";

const solc = new SolcThread({ evmVersion: "osaka" });
afterAll(() => solc.end());

async function astOf(text: string): Promise<AstNode> {
  const output = await solc.compile(new Map([["A.sol", text]]), { "*": { "": ["ast"] } });
  return output.sources["A.sol"]?.ast as AstNode;
}

const body = (statements: string, more = "") =>
  `// ä: two bytes, so that offsets count bytes\ncontract A { ${more} event E(uint256 x); error X(); uint256 a; uint256 b; function f(uint256 x, uint256 y) public returns (bool) { ${statements} } }`;

async function changesIn(statements: string, more?: string): Promise<string[]> {
  const text = body(statements, more);
  return mutantsOf("A.sol", text, await astOf(text)).map(({ id }) => id.replace(/^A\.sol#A\.f /, ""));
}

test("mutants: operators are swapped, comparisons at their boundary and to their opposite", async () => {
  expect(await changesIn("a = x + y;")).toEqual(["statement deleted: a = x + y; => {}", "+ to -: + => -"]);
  expect(await changesIn("bool c = x < y;")).toEqual(["< to <=: < => <=", "< to >=: < => >="]);
  expect(await changesIn("bool c = x == 1 && y == x;")).toEqual([
    "&& to ||: && => ||",
    "== to !=: == => !=",
    "constant: 1 => (1 + 1)",
    "constant: 1 => (1 - 1)",
    "== to !=: == => != (2)",
  ]);
});

test("mutants: a lone revert goes with its condition, an emit and a call alone", async () => {
  expect(await changesIn("if (x > y) revert X();")).toEqual([
    "condition negated: x > y => !(x > y)",
    "statement deleted: if (x > y) revert X(); => {}",
    "> to >=: > => >=",
    "> to <=: > => <=",
  ]);
  expect(await changesIn("emit E(x);")).toEqual(["statement deleted: emit E(x); => {}"]);
  expect(await changesIn("for (uint256 i = x; i < y; ++i) {}")).toEqual([
    "< to <=: < => <=",
    "< to >=: < => >=",
    "++ to --: ++i => --i",
  ]);
});

test("mutants: arguments of one type change places, returns change value", async () => {
  expect(await changesIn("f(x, y);")).toEqual([
    "statement deleted: f(x, y); => {}",
    "arguments swapped: x, y => y, x",
  ]);
  expect(await changesIn("return f(x, x);")).toEqual(["return negated: f(x, x) => !(f(x, x))"]);
});

test("mutants: modifiers go, enum members and assembly change", async () => {
  const text = `contract A { enum S { P, Q } modifier m() { _; } function f(S s) public m returns (bool) { return s == S.P; }
    function g() public pure returns (uint256 r) { assembly { r := add(r, 2) } } }`;
  const ids = mutantsOf("A.sol", text, await astOf(text)).map(({ id }) => id.split("#")[1]);
  expect(ids).toContain("A.f modifier removed: m => nothing");
  expect(ids).toContain("A.f constant: S.P => (S.P == type(S).max ? type(S).min : S(uint8(S.P) + 1))");
  expect(ids).toContain("A.g add to sub: add => sub");
  expect(ids).toContain("A.g constant: 2 => add(2, 1)");
});

test("mutants: all but those that go against a type are programs", async () => {
  const text = body(
    "uint256 z = (x + y) * 3; if (z != 0 || x <= 1) { a = z; } else b -= 1; if (!(z == y)) emit E(z); a++; return z > y ? x > y : y > x;",
    "modifier m() { _; }",
  );
  const mutants = mutantsOf("A.sol", text, await astOf(text));
  expect(mutants.length).toBeGreaterThan(25);
  for (const mutant of mutants) {
    const source = mutated(text, mutant);
    expect(source, mutant.id).not.toBe(text);
    await solc.compile(new Map([["A.sol", source]]), { "*": { "*": ["evm.bytecode.object"] } });
  }
});

test("solc: a program that is none is refused with its message", async () => {
  const compiling = solc.compile(new Map([["A.sol", "contract A { B b; }"]]), { "*": { "*": ["abi"] } });
  await expect(compiling).rejects.toThrow(CompilationError);
  await expect(compiling).rejects.toThrow("Identifier not found");
});

test("mutants: their order depends on the seed, and a new one moves no other", async () => {
  const text = body("a = x + y; b = x * y; emit E(x); return x < y;");
  const mutants = mutantsOf("A.sol", text, await astOf(text));
  const ids = (seed: string, from = mutants) => shuffled(from, seed).map(({ id }) => id);
  expect(ids("1")).toEqual(ids("1", [...mutants].reverse()));
  expect(ids("1")).not.toEqual(ids("2"));
  const [first, ...others] = mutants;
  expect(ids("1", others)).toEqual(ids("1").filter((id) => id !== first?.id));
});

test("test tree: setUp deploys from artifacts, other functions as they did", async () => {
  const text =
    "contract O { constructor(uint256 a, address b) {} } contract T { O o; function setUp() public { o = new O(1, address(this)); } function f() public { o = new O(2, address(0)); } }";
  expect(deployFromArtifacts(text, await astOf(text), [{ source: "contracts/O.sol", name: "O" }])).toBe(
    text.replace(
      "new O(1, address(this))",
      'O(vm.deployCode("contracts/O.sol:O", abi.encode(1, address(this))))',
    ),
  );
});
