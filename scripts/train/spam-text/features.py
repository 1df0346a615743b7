"""Text to features, as `graph.py` writes it in ONNX; `evaluate.ts` fails when the two differ."""

import re
from collections import Counter

import numpy as np
import scipy.sparse as sparse

TOKENS = (
    # One token each, and never in the vocabulary: hosts and addresses say who wrote, not what.
    r"https?://[^\s<>\"]+|www\.[^\s<>\"]+|[a-z0-9._%+-]+@[a-z0-9.-]+"
    r"|[a-z]+(?:'[a-z]+)?|[0-9]+|[!?$%]|[^\x00-\x7f]+"
)
"""Read alike by RE2, which the graph uses, and by Python."""

_tokens = re.compile(TOKENS)
_in_vocabulary = re.compile(r"[a-z]+(?:'[a-z]+)?|[0-9]+|[!?$%]")
_ascii_lower = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def terms(text: str) -> Counter:
    """Counts of tokens `(a,)` and of neighbouring tokens `(a, b)`. Only A-Z is lowered, as in ONNX's locale C."""
    tokens = _tokens.findall(text.translate(_ascii_lower))
    counts = Counter((token,) for token in tokens)
    counts.update(zip(tokens, tokens[1:]))
    return counts


def may_be_known(term: tuple) -> bool:
    return all(_in_vocabulary.fullmatch(token) for token in term)


DAMPING = 5.0
"""Added to the norm, as if every text held some more words that say nothing: one word is
little evidence. Chosen, with the regularisation, by cross-validation inside the training mails."""


def vectors(counted: list, vocabulary: list, idf: np.ndarray) -> sparse.csr_matrix:
    """log(1 + count) * idf, divided by the row's Euclidean norm plus DAMPING."""
    column = {term: index for index, term in enumerate(vocabulary)}
    rows, columns, values = [], [], []
    for row, counts in enumerate(counted):
        for term, count in counts.items():
            index = column.get(term)
            if index is not None:
                rows.append(row)
                columns.append(index)
                values.append(np.log1p(count) * idf[index])
    matrix = sparse.csr_matrix((values, (rows, columns)), shape=(len(counted), len(vocabulary)))
    matrix.sort_indices()
    norms = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    return sparse.diags(1 / (norms + DAMPING)) @ matrix
