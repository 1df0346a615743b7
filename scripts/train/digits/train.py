"""Trains the digit network on the `mnist` package's images.

    train.py PACKAGE_FOLDER TARGET_FOLDER
"""

import hashlib
import json
import pathlib
import sys

import numpy as np
from scipy import ndimage

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "integer"))

from graph import build  # noqa: E402
from net import IntegerNet, Layer, Net, best_temperature  # noqa: E402
from onnx import TensorProto, helper  # noqa: E402

HELD_OUT, CALIBRATION = 2000, 500
VARIANTS = 5
"""Turned, stretched and sheared copies of each training image."""
BATCH, EPOCHS, INTEGER_EPOCHS = 100, 5, 2
"""Epochs over all copies."""


def read(package: pathlib.Path):
    images, labels = [], []
    for digit in range(10):
        data = json.loads((package / "src/digits" / f"{digit}.json").read_text())["data"]
        # The package rounds n / 255 to three decimals, which is near enough to get n back.
        pixels = np.rint(np.array(data) * 255).astype(np.uint8).reshape(-1, 28, 28)
        images.append(pixels)
        labels += [digit] * len(pixels)
    images, labels = np.concatenate(images), np.array(labels)
    # By hash: the split is fixed, and does not follow the package's order.
    order = sorted(range(len(images)), key=lambda at: hashlib.sha256(images[at].tobytes()).digest())
    seen, kept = set(), []
    for at in order:
        key = images[at].tobytes()
        if key not in seen:
            kept.append(at)
        seen.add(key)
    return images[kept], labels[kept]


def varied(rng, image):
    turn, shear = rng.uniform(-0.2, 0.2), rng.uniform(-0.15, 0.15)
    scale = rng.uniform(0.87, 1.15, 2)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ np.array([[1, shear], [0, 1]])
    matrix = matrix * scale
    centre = np.array([13.5, 13.5])
    return ndimage.affine_transform(image, matrix, centre - matrix @ centre, order=1)


def shifted(rng, images):
    out = np.zeros_like(images)
    for at, (down, right) in enumerate(rng.integers(-2, 3, (len(images), 2))):
        to_row, from_row = max(down, 0), max(-down, 0)
        to_column, from_column = max(right, 0), max(-right, 0)
        out[at, 0, to_row : 28 - from_row, to_column : 28 - from_column] = images[
            at, 0, from_row : 28 - to_row, from_column : 28 - to_column
        ]
    return out


def main(package: pathlib.Path, target: pathlib.Path):
    images, labels = read(package)
    rest = images[HELD_OUT + CALIBRATION :]
    rest_labels = labels[HELD_OUT + CALIBRATION :]
    calibration = images[HELD_OUT : HELD_OUT + CALIBRATION]
    calibration_labels = labels[HELD_OUT : HELD_OUT + CALIBRATION]

    rng = np.random.default_rng(1)
    copies = [rest] + [np.stack([varied(rng, image) for image in rest]) for _ in range(VARIANTS)]
    x = (np.concatenate(copies)[:, None] / np.float32(256)).astype(np.float32)
    y = np.tile(rest_labels, VARIANTS + 1)

    net = Net([Layer(rng, 1, 16, 5), Layer(rng, 16, 32, 5), Layer(rng, 512, 128), Layer(rng, 128, 10)])
    steps = len(x) // BATCH
    for epoch in range(EPOCHS + INTEGER_EPOCHS):
        quantised = epoch >= EPOCHS
        if epoch == EPOCHS:
            net.calibrate(x[:2000])
        order = rng.permutation(len(x))
        for step in range(steps):
            at = order[step * BATCH : (step + 1) * BATCH]
            phase, length, top = (epoch - EPOCHS, INTEGER_EPOCHS, 3e-4) if quantised else (epoch, EPOCHS, 2e-3)
            rate = top * 0.5 * (1 + np.cos(np.pi * (phase + step / steps) / length)) + 1e-6
            net.learn(shifted(rng, x[at]), y[at], rate, quantised, decay=1e-3)

    scaled = (calibration[:, None] / np.float32(256)).astype(np.float32)
    temperature = best_temperature(net.forward(scaled, True), calibration_labels)
    integer = IntegerNet(net, temperature)

    target.mkdir(parents=True, exist_ok=True)
    model = build(
        "digits",
        integer,
        helper.make_tensor_value_info("x", TensorProto.UINT8, ["N", 28, 28]),
        lambda writer: writer.node("Reshape", ["x", writer.constant([-1, 1, 28, 28], np.int64)]),
        (1, 28, 28),
    )
    (target / "model.onnx").write_bytes(model.SerializeToString(deterministic=True))
    held_out = images[:HELD_OUT]
    scores = integer.scores(held_out[:, None])
    trained = {
        "training": {"images": len(rest), "copies": VARIANTS, "calibration": CALIBRATION},
        "heldOut": [
            {"label": int(label), "input": image.tobytes().hex(), "scores": [str(score) for score in row]}
            for image, label, row in zip(held_out, labels, scores)
        ],
    }
    (target / "trained.json").write_text(json.dumps(trained))
    print(f"held out {(scores.argmax(1) == labels[:HELD_OUT]).mean():.4f}, temperature {temperature:.2f}")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
