"""Trains the spam model and writes it, with the held-out messages, for `evaluate.ts` to measure.

    train.py CORPUS_FOLDER OUTPUT_FOLDER
"""

import hashlib
import json
import pathlib
import re
import sys

import numpy as np
from sklearn.linear_model import LogisticRegression

import corpus
import features
import graph

EXCERPTS = 2
"""Short excerpts per mail beside the whole, because board posts are shorter than mails."""
EXCERPT_WEIGHT = 0.5
MIN_CLUSTERS = 4
"""A term must occur in so many unrelated mails, or it is a name or a campaign."""
VOCABULARY = 15_000
INVERSE_REGULARISATION = 20
FOLDS = 5

CORPUS_ARTEFACTS = re.compile(r"zzz+|taint|spamassassin|jmason|jm|mason|webnote|phobos|ilug|exmh|netnoteinc|zzzzteana")
"""Who collected the corpus, and the lists they were on."""


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def excerpts(mail: corpus.Mail) -> list:
    """The subject alone, and runs of 4 to 63 words from places chosen by hash."""
    found = [mail.subject] if len(mail.subject.split()) >= 3 else []
    words = mail.text.split()
    for index in range(EXCERPTS):
        number = _number(f"{mail.id}:{index}")
        length = 4 + number % 60
        if len(words) > 1.3 * length:
            start = (number >> 16) % (len(words) - length)
            found.append(" ".join(words[start : start + length]))
    return found


class Classifier:
    """TF-IDF and a logistic regression whose probabilities are calibrated out of fold (Platt)."""

    def __init__(self, mails: list):
        texts, labels, weights, clusters = [], [], [], []
        for mail in mails:
            for text, weight in [(mail.text, 1.0)] + [(part, EXCERPT_WEIGHT) for part in excerpts(mail)]:
                texts.append(text)
                labels.append(mail.label)
                weights.append(weight)
                clusters.append(mail.cluster)
        labels, weights, clusters = np.array(labels), np.array(weights), np.array(clusters)
        counted = [features.terms(text) for text in texts]

        seen = {}
        for counts, weight, cluster in zip(counted, weights, clusters):
            if weight == 1:
                for term in counts:
                    seen.setdefault(term, set()).add(int(cluster))
        mail_count = len(set(clusters.tolist()))
        vocabulary = sorted(
            (t for t, where in seen.items() if len(where) >= MIN_CLUSTERS and self._allowed(t)),
            key=lambda term: (len(term), term),
        )
        idf = np.array([np.log((1 + mail_count) / (1 + len(seen[term]))) + 1 for term in vocabulary])

        matrix = features.vectors(counted, vocabulary, idf)
        first = self._regression().fit(matrix, labels, sample_weight=weights)
        typical = np.sqrt(np.asarray(matrix.multiply(matrix).mean(axis=0)).ravel())
        # Rounded before ranking, so that the last bits of a sum do not choose the vocabulary.
        importance = np.round(np.abs(first.coef_[0]) * typical, 7)
        chosen = np.sort(np.argsort(-importance, kind="stable")[:VOCABULARY])
        self.vocabulary = [vocabulary[index] for index in chosen]
        self.idf = np.round(idf[chosen], 4)

        matrix = features.vectors(counted, self.vocabulary, self.idf)
        final = self._regression().fit(matrix, labels, sample_weight=weights)
        fold = np.array([_number(f"fold:{cluster}") % FOLDS for cluster in clusters])
        unseen = np.zeros(len(labels))
        for index in range(FOLDS):
            inside = fold != index
            part = self._regression().fit(matrix[inside], labels[inside], sample_weight=weights[inside])
            unseen[~inside] = part.decision_function(matrix[~inside])
        platt = LogisticRegression(C=1e6, tol=1e-9).fit(unseen[:, None], labels, sample_weight=weights)
        scale, shift = platt.coef_[0, 0], platt.intercept_[0]
        # Four decimals are far below what the data can tell, and make the file independent of the last bits.
        self.weights = np.round(final.coef_[0] * scale, 4)
        self.bias = round(float(final.intercept_[0] * scale + shift), 4)

    @staticmethod
    def _allowed(term: tuple) -> bool:
        return features.may_be_known(term) and not any(CORPUS_ARTEFACTS.fullmatch(token) for token in term)

    @staticmethod
    def _regression() -> LogisticRegression:
        return LogisticRegression(C=INVERSE_REGULARISATION, solver="liblinear", tol=1e-6, max_iter=2000, random_state=0)

    def spam_probability(self, texts: list) -> np.ndarray:
        matrix = features.vectors([features.terms(text) for text in texts], self.vocabulary, self.idf)
        return 1 / (1 + np.exp(-(matrix @ self.weights + self.bias)))

    def save(self, path: pathlib.Path):
        model = graph.build(self.vocabulary, self.idf, self.weights, self.bias)
        path.write_bytes(model.SerializeToString(deterministic=True))


def rows(classifier: Classifier, messages: list) -> list:
    """messages: (id, label, text)."""
    probabilities = classifier.spam_probability([text for _, _, text in messages])
    return [
        {"id": id, "label": label, "text": text, "trainedSpamProbability": round(float(p), 12)}
        for (id, label, text), p in zip(messages, probabilities)
    ]


def main(source: pathlib.Path, target: pathlib.Path):
    target.mkdir(parents=True, exist_ok=True)
    mails = corpus.read_corpus(source)
    inside = [mail for mail in mails if not mail.held_out]
    outside = [mail for mail in mails if mail.held_out]
    classifier = Classifier(inside)
    classifier.save(target / "model.onnx")

    # A second model that never saw the mail collected later: how much the first figures owe to knowing its time.
    early = [mail for mail in mails if mail.id.split("/")[0] in ("easy-ham-1", "hard-ham-1", "spam-1")]
    known = {mail.cluster for mail in early}
    late = [m for m in mails if m.id.split("/")[0] in ("easy-ham-2", "spam-2") and m.cluster not in known]
    earlier = Classifier(early)
    earlier.save(target / "earlier.onnx")

    def whole(chosen):
        return [(mail.id, mail.label, mail.text) for mail in chosen]

    parts = [(f"{m.id}#{at}", m.label, text) for m in outside for at, text in enumerate(excerpts(m))]
    measured = {
        "training": {
            "mails": len(inside),
            "spam": sum(mail.label for mail in inside),
            "terms": len(classifier.vocabulary),
        },
        "heldOut": rows(classifier, whole(outside)),
        "heldOutExcerpts": rows(classifier, parts),
        "later": rows(earlier, whole(late)),
    }
    (target / "measured.json").write_text(json.dumps(measured, indent=1), encoding="utf-8")
    print(f"{len(inside)} mails trained, {len(outside)} held out, {len(classifier.vocabulary)} terms")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
