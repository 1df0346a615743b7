import { GraphWriter } from "./onnxWriter.ts";
import { readVocabulary, readWeights, type Weight } from "./source.ts";

/** Tokens that the encoder looks at; what follows is cut off. */
export const MAX_TOKENS = 128;
/** Numbers of an embedding. */
export const WIDTH = 512;
const HEADS = 4;
const EPSILON = 1e-6;
/** What keeps attention away from padding. */
const NEVER = -1e9;

/**
 * The encoder as ONNX: `input_ids` and `attention_mask`, int64[rows, tokens], to `embedding`, float32[rows, 512], of
 * length 1.
 *
 * Not translated operator by operator: TensorFlow's graph takes the tokens of all texts as one sparse list and packs and
 * unpacks them around every layer. It is the same two-layer transformer over padded rows, and `publish.ts` compares
 * it with the original.
 */
export function encoderGraph(folder: string): Buffer {
  const weights = readWeights(folder);
  const writer = new GraphWriter();
  const weight = (end: string): Weight => {
    const names = [...weights.keys()].filter((name) => name.endsWith(end));
    const found = names.length === 1 ? weights.get(names[0] as string) : undefined;
    if (!found) throw new Error(`${names.length} constants end with ${end}, one wanted`);
    return found;
  };
  const constant = (end: string, shape?: readonly number[]) => {
    const { data, shape: own } = weight(end);
    return writer.floats(data, shape ?? own);
  };
  const dense = (x: string, kernel: string, bias: string, shape: readonly number[]) =>
    writer.node("Add", [writer.node("MatMul", [x, constant(kernel, shape)]), constant(bias)]);
  const normalised = (x: string, prefix: string) =>
    writer.node(
      "LayerNormalization",
      [
        x,
        constant(`${prefix}/layer_norm/layer_norm_scale/ConcatPartitions/concat`),
        constant(`${prefix}/layer_norm/layer_norm_bias/ConcatPartitions/concat`),
      ],
      { axis: -1, epsilon: { float: EPSILON } },
    );

  const mask = writer.node("Cast", ["attention_mask"], { to: 1 });
  const column = writer.node("Unsqueeze", [mask, writer.integers([2])]);
  const only = (x: string) => writer.node("Mul", [x, column]);
  const absent = writer.node("Mul", [
    writer.node("Sub", [writer.floats([1], []), mask]),
    writer.floats([NEVER], []),
  ]);
  const bias = writer.node("Unsqueeze", [absent, writer.integers([1, 2])]);

  // Twice the token's vector, as in the original, which adds it to itself with the place's signal on it.
  const tokens = writer.node("Gather", [constant("module/Embeddings_en"), "input_ids"]);
  const doubled = writer.node("Add", [tokens, tokens]);
  let x = only(
    writer.node("Add", [doubled, places(writer, constant("AddTimingSignal/TimingSignal/ExpandDims_1"))]),
  );

  for (const [layer, width] of [
    [0, 256],
    [1, WIDTH],
  ] as const) {
    const prefix = `Layer_${layer}/TransformerLayer`;
    const attended = attention(normalised(x, `${prefix}/layer_prepostprocess`), prefix, width);
    const residual =
      layer === 0
        ? only(
            dense(
              x,
              `${prefix}/dense/kernel/ConcatPartitions/concat`,
              `${prefix}/dense/bias/ConcatPartitions/concat`,
              [width, WIDTH],
            ),
          )
        : x;
    const joined = writer.node("Add", [attended, residual]);
    const inside = dense(
      normalised(joined, `${prefix}/FFN/layer_prepostprocess`),
      `${prefix}/FFN/conv1/Tensordot/Reshape_1`,
      `${prefix}/FFN/conv1/bias/ConcatPartitions/concat`,
      [WIDTH, 3 * WIDTH],
    );
    const outside = dense(
      writer.node("Relu", [inside]),
      `${prefix}/FFN/conv2/Tensordot/Reshape_1`,
      `${prefix}/FFN/conv2/bias/ConcatPartitions/concat`,
      [3 * WIDTH, WIDTH],
    );
    x = writer.node("Add", [only(outside), joined]);
  }

  const sum = writer.node("ReduceSum", [only(x), writer.integers([1])], { keepdims: 0 });
  const count = writer.node("ReduceSum", [mask, writer.integers([1])], { keepdims: 1 });
  const mean = writer.node("Div", [sum, writer.node("Max", [count, writer.floats([1], [])])]);
  const vector = writer.node("Tanh", [
    dense(mean, "tanh_layer_0/weights", "tanh_layer_0/bias", [WIDTH, WIDTH]),
  ]);
  writer.name(writer.node("LpNormalization", [vector], { axis: -1, p: 2 }), "embedding");
  const ids = { type: "int64", shape: ["rows", "tokens"] } as const;
  return writer.finish(
    "universal-sentence-encoder-lite",
    [
      { name: "input_ids", ...ids },
      { name: "attention_mask", ...ids },
    ],
    [{ name: "embedding", type: "float32", shape: ["rows", WIDTH] }],
  );

  function attention(input: string, prefix: string, width: number): string {
    const all = dense(
      input,
      `${prefix}/MultiheadAttention/qkv_transform_single/kernel/part_0`,
      `${prefix}/MultiheadAttention/qkv_transform_single/bias/ConcatPartitions/concat`,
      [width, 3 * width],
    );
    const parts = writer.nodes("Split", [all, writer.integers([width, width, width])], 3, { axis: -1 });
    const shape = writer.integers([0, 0, HEADS, width / HEADS]);
    const [query, key, value] = parts.map((part, at) =>
      writer.node("Transpose", [writer.node("Reshape", [part, shape])], {
        perm: at === 1 ? [0, 2, 3, 1] : [0, 2, 1, 3],
      }),
    ) as [string, string, string];
    const scale = writer.floats([1 / Math.sqrt(width / HEADS)], []);
    const scores = writer.node("MatMul", [writer.node("Mul", [query, scale]), key]);
    const shares = writer.node("Softmax", [writer.node("Add", [scores, bias])], { axis: -1 });
    const heads = writer.node("Transpose", [writer.node("MatMul", [shares, value])], { perm: [0, 2, 1, 3] });
    return dense(
      writer.node("Reshape", [heads, writer.integers([0, 0, width])]),
      `${prefix}/MultiheadAttention/output_transform_single/kernel/part_0`,
      `${prefix}/MultiheadAttention/output_transform_single/bias/ConcatPartitions/concat`,
      [width, WIDTH],
    );
  }
}

/** Sines and cosines of each token's place, [tokens, 256]. */
function places(writer: GraphWriter, frequencies: string): string {
  const length = writer.node("Gather", [writer.node("Shape", ["input_ids"]), writer.integers([1], [])]);
  const range = writer.node("Range", [writer.integers([0], []), length, writer.integers([1], [])]);
  const place = writer.node("Unsqueeze", [writer.node("Cast", [range], { to: 1 }), writer.integers([1])]);
  const angles = writer.node("Mul", [place, frequencies]);
  return writer.node("Concat", [writer.node("Sin", [angles]), writer.node("Cos", [angles])], { axis: -1 });
}

/** Pieces that no text can hold: control symbols. */
const RESERVED = 6;

/** The SentencePiece model as a Hugging Face `tokenizer.json`. */
export function encoderTokenizer(folder: string): Buffer {
  const vocabulary = readVocabulary(folder);
  const tokenizer = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: vocabulary.slice(0, RESERVED).map(([content], id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: { type: "NFKC" },
    pre_tokenizer: { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true },
    post_processor: null,
    decoder: { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true },
    model: { type: "Unigram", unk_id: 0, vocab: vocabulary },
  };
  return Buffer.from(`${JSON.stringify(tokenizer)}\n`);
}
