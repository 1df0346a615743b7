import { createRequire } from "node:module";
import type { Abi, Hex } from "viem";

const compiled = new Map<string, { abi: Abi; bytecode: Hex }>();

/** Compiles one small contract that only a test needs. */
export function compileSolidity(name: string, source: string): { abi: Abi; bytecode: Hex } {
  const known = compiled.get(source);
  if (known) return known;
  const solc = createRequire(import.meta.url)("solc") as { compile(input: string): string };
  const input = {
    language: "Solidity",
    sources: { "Test.sol": { content: source } },
    settings: { outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } } },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input)));
  const contract = output.contracts?.["Test.sol"]?.[name];
  if (!contract) throw new Error(JSON.stringify(output.errors));
  const result = { abi: contract.abi as Abi, bytecode: `0x${contract.evm.bytecode.object}` as Hex };
  compiled.set(source, result);
  return result;
}
