/** Operators that compute in integers whatever else they read, and give the same bits on every machine. */
export const INTEGER_OPERATORS: ReadonlySet<string> = new Set([
  ...["MatMulInteger", "ConvInteger", "QLinearMatMul", "QLinearConv", "QLinearAdd", "QLinearMul"],
  ...[
    "QLinearGlobalAveragePool",
    "QLinearAveragePool",
    "QLinearConcat",
    "QLinearSigmoid",
    "QLinearLeakyRelu",
  ],
  ...["QuantizeLinear", "DynamicQuantizeLinear", "MatMulIntegerToFloat"],
]);

/** Operators that move, choose or compare values and round nothing, whatever their type. */
export const EXACT_OPERATORS: ReadonlySet<string> = new Set([
  ...["Identity", "Constant", "ConstantOfShape", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose"],
  ...["Concat", "Split", "Slice", "Gather", "GatherElements", "GatherND", "ScatterElements", "ScatterND"],
  ...["Expand", "Tile", "Pad", "Shape", "Size", "NonZero", "OneHot", "DepthToSpace", "SpaceToDepth", "Range"],
  ...["Where", "Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Not", "And", "Or", "Xor"],
  ...[
    "Max",
    "Min",
    "Clip",
    "Relu",
    "Neg",
    "Abs",
    "Sign",
    "ArgMax",
    "ArgMin",
    "TopK",
    "ReduceMax",
    "ReduceMin",
  ],
  ...[
    "MaxPool",
    "GlobalMaxPool",
    "Trilu",
    "If",
    "Loop",
    "StringNormalizer",
    "Tokenizer",
    "Compress",
    "Unique",
  ],
  ...["Cast", "CastLike"],
]);

/** Operators that are exact on integers and round on real numbers. */
export const ARITHMETIC_OPERATORS: ReadonlySet<string> = new Set([
  ...["Add", "Sub", "Mul", "Div", "Mod", "Sum", "CumSum", "ReduceSum", "ReduceProd", "MatMul", "Gemm", "Pow"],
  ...["BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitwiseNot"],
]);

/** Operators that draw random numbers: two honest operators would never agree. */
export const RANDOM_OPERATORS: ReadonlySet<string> = new Set([
  ...["RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli"],
]);

/** Where the weights of an integer product stand among its inputs, and where what they are multiplied with. */
export const INTEGER_PRODUCTS: Readonly<Record<string, { activations: number; weights: number }>> = {
  MatMulInteger: { activations: 0, weights: 1 },
  ConvInteger: { activations: 0, weights: 1 },
  MatMulIntegerToFloat: { activations: 0, weights: 1 },
  QLinearMatMul: { activations: 0, weights: 3 },
  QLinearConv: { activations: 0, weights: 3 },
};

/** Where operators come from that ONNX Runtime has in every build. */
export const KNOWN_DOMAINS: ReadonlySet<string> = new Set(["", "ai.onnx.ml", "com.microsoft"]);
