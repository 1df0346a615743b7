"""Writes the classifier as one ONNX graph: text in, probabilities of ham and spam out."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from features import DAMPING, TOKENS


def build(vocabulary: list, idf: np.ndarray, weights: np.ndarray, bias: float) -> onnx.ModelProto:
    """`text` string[N] -> `probabilities` float[N, 2] (ham, spam).

    @param vocabulary Single tokens first, then pairs.
    """
    singles = sum(len(term) == 1 for term in vocabulary)
    assert all(len(term) == 1 for term in vocabulary[:singles]) and all(len(t) == 2 for t in vocabulary[singles:])
    nodes = [
        helper.make_node(
            "StringNormalizer", ["text"], ["lowered"], case_change_action="LOWER", is_case_sensitive=1, locale="C"
        ),
        helper.make_node(
            "Tokenizer",
            ["lowered"],
            ["tokens"],
            domain="com.microsoft",
            mark=0,
            mincharnum=1,
            pad_value="\x01",  # no token: the expression matches no control character
            tokenexp=TOKENS,
        ),
        helper.make_node(
            "TfIdfVectorizer",
            ["tokens"],
            ["counts"],
            mode="TF",
            min_gram_length=1,
            max_gram_length=2,
            max_skip_count=0,
            ngram_counts=[0, singles],
            ngram_indexes=list(range(len(vocabulary))),
            pool_strings=[token for term in vocabulary for token in term],
        ),
        helper.make_node("Add", ["counts", "one"], ["counts_plus_one"]),
        helper.make_node("Log", ["counts_plus_one"], ["damped"]),
        helper.make_node("Mul", ["damped", "idf"], ["weighted"]),
        helper.make_node("ReduceL2", ["weighted"], ["norm"], axes=[1], keepdims=1),
        helper.make_node("Add", ["norm", "damping"], ["damped_norm"]),
        helper.make_node("MatMul", ["weighted", "weights"], ["dot"]),
        helper.make_node("Div", ["dot", "damped_norm"], ["cosine"]),
        helper.make_node("Add", ["cosine", "bias"], ["spam_logit"]),
        helper.make_node("Neg", ["spam_logit"], ["ham_logit"]),
        helper.make_node("Concat", ["ham_logit", "spam_logit"], ["logits"], axis=1),
        helper.make_node("Sigmoid", ["logits"], ["probabilities"]),
    ]
    constants = {
        "one": np.array([1], dtype=np.float32),
        "idf": idf.astype(np.float32),
        "damping": np.array([DAMPING], dtype=np.float32),
        "weights": weights.astype(np.float32).reshape(-1, 1),
        "bias": np.array([bias], dtype=np.float32),
    }
    graph = helper.make_graph(
        nodes,
        "spam-text",
        [helper.make_tensor_value_info("text", TensorProto.STRING, ["N"])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", 2])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(
        graph,
        producer_name="sibyl",
        producer_version="1",
        ir_version=8,
        opset_imports=[helper.make_opsetid("", 16), helper.make_opsetid("com.microsoft", 1)],
    )
