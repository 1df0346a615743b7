"""Trains the drawdown network on the `vega-datasets` package's daily closes of the S&P 500.

    train.py PACKAGE_FOLDER TARGET_FOLDER
"""

import csv
import json
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "integer"))

from graph import build  # noqa: E402
from net import IntegerNet, Layer, Net, best_temperature  # noqa: E402
from onnx import TensorProto, helper  # noqa: E402

DAYS_BEFORE, DAYS_AFTER = 60, 10
"""How many daily closes the features look back on, and over how many a drop counts."""
DROP = 0.05
HELD_OUT = 0.3
"""The latest part of the days: a model of prices may not have seen the future."""
BLOCKS = 5
LOW, HIGH = np.array([0, 0, 0, -2000, 0]), np.array([400, 300, 300, 1500, 3000])
"""Basis points that become 0 and 255; what lies outside counts as the nearer end."""
EPOCHS, INTEGER_EPOCHS = 400, 200


def read(package: pathlib.Path):
    """Features in basis points, classes (1: the close falls by 5 percent within ten days), dates."""
    with (package / "data/sp500-2000.csv").open() as file:
        rows = list(csv.DictReader(file))
    close = np.array([float(row["close"]) for row in rows])
    moves = np.abs(np.diff(close) / close[:-1]) * 10_000
    x, y, dates = [], [], []
    for at in range(DAYS_BEFORE, len(close) - DAYS_AFTER):
        past = moves[at - DAYS_BEFORE : at]
        x.append([
            past[-5:].mean(),
            past[-20:].mean(),
            past.mean(),
            (close[at] / close[at - 20] - 1) * 10_000,
            (1 - close[at] / close[at - DAYS_BEFORE : at + 1].max()) * 10_000,
        ])
        y.append(int(close[at + 1 : at + 1 + DAYS_AFTER].min() <= close[at] * (1 - DROP)))
        dates.append(rows[at]["date"])
    return np.rint(np.array(x)).astype(int), np.array(y), dates


def to_bytes(x):
    """As the graph does it: 0 to 255, to the nearest."""
    span = HIGH - LOW
    return ((np.clip(x, LOW, HIGH) - LOW) * 255 + span // 2) // span


def fit(x, y):
    rng = np.random.default_rng(5)
    net = Net([Layer(rng, 5, 16), Layer(rng, 16, 2)])
    x = (to_bytes(x) / np.float32(256)).astype(np.float32)
    for epoch in range(EPOCHS + INTEGER_EPOCHS):
        quantised = epoch >= EPOCHS
        if epoch == EPOCHS:
            net.calibrate(x)
        net.learn(x, y, 2e-3 if quantised else 1e-2, quantised, decay=2e-2)
    return net


def logits_outside(x, y):
    """Each day's logits by a network that has not seen its stretch of days, nor those that touch it."""
    out = np.zeros((len(x), 2))
    edges = np.linspace(0, len(x), BLOCKS + 1).astype(int)
    for start, end in zip(edges, edges[1:]):
        seen = np.ones(len(x), bool)
        seen[max(0, start - DAYS_AFTER) : end + DAYS_BEFORE] = False
        scaled = (to_bytes(x[start:end]) / np.float32(256)).astype(np.float32)
        out[start:end] = fit(x[seen], y[seen]).forward(scaled, True)
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


def area_under_curve(scores, y):
    """That a day before a drop scores higher than another one; ties count half."""
    order = np.argsort(scores, kind="stable")
    ranks = np.empty(len(scores))
    ranks[order] = np.arange(1, len(scores) + 1)
    for value in np.unique(scores):
        ranks[scores == value] = ranks[scores == value].mean()
    positive = y == 1
    count = positive.sum()
    return (ranks[positive].sum() - count * (count + 1) / 2) / (count * (~positive).sum())


def main(package: pathlib.Path, target: pathlib.Path):
    x, y, dates = read(package)
    first_held_out = int(len(x) * (1 - HELD_OUT))
    # The last days of training would know the first held-out closes.
    trained = slice(0, first_held_out - DAYS_AFTER)
    outside = slice(first_held_out, len(x))
    temperature = best_temperature(logits_outside(x[trained], y[trained]), y[trained])
    integer = IntegerNet(fit(x[trained], y[trained]), temperature)

    target.mkdir(parents=True, exist_ok=True)
    model = build("drawdown", integer, helper.make_tensor_value_info("x", TensorProto.INT32, ["N", 5]), front, (5,))
    (target / "model.onnx").write_bytes(model.SerializeToString(deterministic=True))
    scores = integer.scores(to_bytes(x))
    risk = scores[outside, 1] / 1e18
    base = y[trained].mean()
    measured = {
        "auc": round(float(area_under_curve(risk, y[outside])), 4),
        "brier": round(float(((risk - y[outside]) ** 2).mean()), 4),
        "brierOfBaseRate": round(float(((base - y[outside]) ** 2).mean()), 4),
        "aucOfVolatilityAlone": round(float(area_under_curve(x[outside, 1].astype(float), y[outside])), 4),
    }
    order = np.argsort(risk, kind="stable")
    fifths = [
        {"meanRisk": round(float(risk[part].mean()), 4), "drops": round(float(y[outside][part].mean()), 4)}
        for part in np.array_split(order, 5)
    ]
    (target / "trained.json").write_text(json.dumps({
        "training": {
            "rows": trained.stop,
            "from": dates[0],
            "to": dates[trained.stop - 1],
            "drops": int(y[trained].sum()),
            "heldOutFrom": dates[first_held_out],
            "heldOutTo": dates[-1],
            "heldOutDrops": int(y[outside].sum()),
        },
        "measured": measured,
        "fifths": fifths,
        "heldOut": [
            {"date": date, "label": int(label), "input": [int(n) for n in row], "scores": [str(score) for score in its]}
            for row, label, its, date in zip(x[outside], y[outside], scores[outside], dates[first_held_out:])
        ],
    }))
    print(f"{measured}, temperature {temperature:.2f}, base rate {base:.3f}, held-out rate {y[outside].mean():.3f}")
    for fifth in fifths:
        print(fifth)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
