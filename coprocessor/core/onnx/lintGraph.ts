import type { ModelManifest } from "@sibyl/sdk";
import { inferTypes, type Types } from "./inferTypes.ts";
import {
  ARITHMETIC_OPERATORS,
  EXACT_OPERATORS,
  INTEGER_OPERATORS,
  INTEGER_PRODUCTS,
  KNOWN_DOMAINS,
  RANDOM_OPERATORS,
} from "./operators.ts";
import type { ElementType, Graph, GraphNode, Initializer } from "./readGraph.ts";

/** `error`: the model must not be published like this. `warning`: it can be, and somebody will be sorry. */
export interface Finding {
  severity: "error" | "warning";
  /** Stable, for example `u8-s8-range`. */
  rule: string;
  message: string;
}

/** Which profiles a graph can have; a reason stands where it cannot. */
export interface PossibleProfiles {
  exactNative: true | string;
  exactWasm: true | string;
  tolerance: true | string;
}

export interface LintReport {
  possible: PossibleProfiles;
  findings: Finding[];
}

/** Sums of two products of u8 by these stay within 16 bits, which is where AVX2 cuts off. */
const SAFE_INT8 = [-64, 63] as const;
/** WebAssembly addresses 4 GiB, and weights are there twice while a model loads. */
const MAX_WASM_BYTES = 2 ** 30;
const INTEGERS: ReadonlySet<ElementType> = new Set([
  ...(["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "bool"] as const),
]);

/** Reads a graph for what it promises: which profiles it can have, and whether its manifest says one of them. */
export function lintGraph(graph: Graph, manifest: ModelManifest): LintReport {
  const findings: Finding[] = [];
  const reals: string[] = [];
  const isIn = new Set(manifest.files.map(({ path }) => path));
  visit(
    graph,
    new Map(),
    (node, types, constants) => {
      findings.push(...checkOrigin(node), ...checkProduct(node, types, constants));
      const real = whyReal(node, types);
      if (real !== null) reals.push(real);
    },
    (tensor) => findings.push(...checkExternal(tensor, isIn)),
  );

  const random = findings.find(({ rule }) => rule === "random");
  const saturating = findings.find(({ rule, severity }) => rule === "u8-s8-range" && severity === "error");
  const [real] = reals;
  const more = reals.length > 1 ? `, and ${reals.length - 1} more` : "";
  const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0);
  const possible: PossibleProfiles = {
    exactNative: random?.message ?? saturating?.message ?? (real === undefined ? true : `${real}${more}`),
    exactWasm:
      random?.message ??
      (bytes > MAX_WASM_BYTES
        ? `${bytes} bytes are too many for WebAssembly, ${MAX_WASM_BYTES} at most`
        : true),
    tolerance: random?.message ?? (manifest.output.codec === "text" ? "text has no distance" : true),
  };
  findings.push(...checkProfile(manifest, possible, real !== undefined), ...checkBatch(graph, manifest));
  return { possible, findings };
}

/** Calls for every node and constant, those of loops and branches included. */
function visit(
  graph: Graph,
  outer: Types,
  onNode: (node: GraphNode, types: Types, constants: ReadonlyMap<string, Initializer>) => void,
  onConstant: (tensor: Initializer) => void,
): void {
  const types = inferTypes(graph, outer);
  const constants = new Map(graph.initializers.map((tensor) => [tensor.name, tensor]));
  for (const tensor of graph.initializers) onConstant(tensor);
  for (const node of graph.nodes) {
    onNode(node, types, constants);
    for (const body of node.subgraphs) visit(body, types, onNode, onConstant);
  }
}

const nameOf = ({ op, name, outputs }: GraphNode) => `${op} ${name || outputs[0] || ""}`.trim();

function checkOrigin(node: GraphNode): Finding[] {
  if (RANDOM_OPERATORS.has(node.op)) {
    return [{ severity: "error", rule: "random", message: `${nameOf(node)} draws random numbers` }];
  }
  if (KNOWN_DOMAINS.has(node.domain)) return [];
  const message = `${nameOf(node)} is of ${node.domain}, which no operator's ONNX Runtime has`;
  return [{ severity: "error", rule: "unknown-operator", message }];
}

function checkExternal({ name, externalLocation }: Initializer, files: ReadonlySet<string>): Finding[] {
  if (externalLocation === null) return [];
  const where = files.has(externalLocation)
    ? "a graph is loaded from its own bytes; put the weights into it"
    : "which is none of the manifest's files";
  const message = `the data of ${name} lies in ${JSON.stringify(externalLocation)}, ${where}`;
  return [{ severity: "error", rule: "external-data", message }];
}

/** On processors without VNNI, u8 by s8 products are summed in pairs in 16 bits, and the sums saturate. */
function checkProduct(node: GraphNode, types: Types, constants: ReadonlyMap<string, Initializer>): Finding[] {
  const product = INTEGER_PRODUCTS[node.op];
  if (!product) return [];
  const weights = node.inputs[product.weights] ?? "";
  const activations = types.get(node.inputs[product.activations] ?? "");
  if (types.get(weights) !== "int8") return [];
  if (activations === "int8") {
    return [
      { severity: "warning", rule: "s8-s8", message: `${nameOf(node)} multiplies s8 by s8, which is slow` },
    ];
  }
  const range = constants.get(weights)?.int8Range ?? null;
  const rule = "u8-s8-range";
  if (range === null) {
    const message = `${nameOf(node)} multiplies u8 by s8 that are no constant, so sums may saturate on some processors`;
    return [{ severity: "error", rule, message }];
  }
  if (range[0] >= SAFE_INT8[0] && range[1] <= SAFE_INT8[1]) return [];
  const message = `${nameOf(node)} multiplies u8 by s8 weights of ${range.join(" to ")}: beyond ${SAFE_INT8.join(" to ")} sums saturate on processors without VNNI`;
  return [{ severity: "error", rule, message }];
}

/** Why a node's results may differ in their last bits from machine to machine; null when they do not. */
function whyReal(node: GraphNode, types: Types): string | null {
  const { op, inputs, outputs } = node;
  if (INTEGER_OPERATORS.has(op) || EXACT_OPERATORS.has(op)) return null;
  if (op === "DequantizeLinear") {
    return `${nameOf(node)} turns integers back into real numbers (a QDQ graph is no integer graph)`;
  }
  const values = [...inputs, ...outputs].filter((value) => value !== "");
  const real = values.find((value) => !INTEGERS.has(types.get(value) ?? "unknown"));
  if (ARITHMETIC_OPERATORS.has(op) && real === undefined) return null;
  const type = types.get(real ?? "") ?? "a type that cannot be told";
  return `${nameOf(node)} computes with ${real === undefined ? "more than integer arithmetic" : type}`;
}

function checkProfile(manifest: ModelManifest, possible: PossibleProfiles, isReal: boolean): Finding[] {
  const { profile, runner = "native", batch } = manifest;
  const verdict =
    profile.kind === "tolerance"
      ? possible.tolerance
      : possible[runner === "wasm" ? "exactWasm" : "exactNative"];
  const findings: Finding[] = [];
  if (verdict !== true) {
    const message = `profile ${profile.kind}, runner ${runner}, cannot hold: ${verdict}`;
    findings.push({ severity: "error", rule: "profile", message });
  }
  if (profile.kind === "exact" && runner === "wasm" && isReal && (batch?.max ?? 1) > 1) {
    const message =
      "batch.max is above 1, but real numbers sum differently in company: an exact model runs alone";
    findings.push({ severity: "error", rule: "batch", message });
  }
  if (profile.kind === "tolerance" && possible.exactNative === true) {
    const message = "the graph computes in integers only: its profile could be exact";
    findings.push({ severity: "warning", rule: "profile", message });
  }
  return findings;
}

function checkBatch({ inputs, outputs, initializers }: Graph, { batch }: ModelManifest): Finding[] {
  if ((batch?.max ?? 1) === 1) return [];
  const constants = new Set(initializers.map(({ name }) => name));
  const ports = [...inputs, ...outputs].filter(({ name }) => !constants.has(name));
  return ports
    .filter(({ shape }) => typeof shape?.[0] !== "string")
    .map(({ name, shape }) => ({
      severity: "error",
      rule: "batch",
      message: `batch.max is ${batch?.max}, but ${name}[${shape?.join(",") ?? "?"}] has no open first dimension`,
    }));
}
