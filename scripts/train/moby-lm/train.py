"""Trains a small language model on Moby Dick.

    train.py PACKAGE_FOLDER TARGET_FOLDER
"""

import hashlib
import json
import math
import pathlib
import sys

import onnx
import torch
from torch.nn import functional as F

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import bpe  # noqa: E402
from net import CONTEXT, HEAD, HEADS, LAYERS, VOCABULARY, Decoder, no_past  # noqa: E402

STEPS, BATCH, LENGTH, WARM_UP, RATE = 1400, 16, 128, 60, 4e-3


def chapters(package):
    """Chapters for training and, by the hash of their text, every tenth held out."""
    training, held_out = [], []
    for path in sorted((package / "data").glob("chapter_*.txt"), key=lambda path: int(path.stem.split("_")[1])):
        text = path.read_text("utf-8").replace("\r\n", "\n").strip()
        chosen = hashlib.sha256(text.encode()).digest()[0] < 26
        (held_out if chosen else training).append(text)
    return training, held_out


def logits(net, ids):
    batch, length = ids.shape
    positions = torch.arange(length).expand(batch, length)
    return net(ids, torch.ones_like(ids), positions, *no_past(batch))[0]


@torch.no_grad()
def loss_of(net, windows):
    net.eval()
    total = sum(F.cross_entropy(logits(net, w[None, :-1])[0], w[1:], reduction="sum").item() for w in windows)
    net.train()
    return total / sum(len(w) - 1 for w in windows)


def learn(net, tokens, held_out, rng):
    decayed = [p for p in net.parameters() if p.dim() > 1]
    others = [p for p in net.parameters() if p.dim() <= 1]
    optimiser = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}], betas=(0.9, 0.95)
    )
    for step in range(STEPS):
        progress = max(0, step - WARM_UP) / (STEPS - WARM_UP)
        rate = RATE * min((step + 1) / WARM_UP, 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))
        for group in optimiser.param_groups:
            group["lr"] = rate
        starts = torch.randint(len(tokens) - LENGTH - 1, (BATCH,), generator=rng)
        rows = torch.stack([tokens[start : start + LENGTH + 1] for start in starts])
        loss = F.cross_entropy(logits(net, rows[:, :-1]).reshape(-1, VOCABULARY), rows[:, 1:].reshape(-1))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        if step % 100 == 99:
            print(f"step {step + 1}: loss {loss.item():.3f}, held out {loss_of(net, held_out[:40]):.3f}", flush=True)


def export(net, path):
    past = [name for at in range(LAYERS) for name in (f"past_key_values.{at}.key", f"past_key_values.{at}.value")]
    present = [name for at in range(LAYERS) for name in (f"present.{at}.key", f"present.{at}.value")]
    axes = {
        "input_ids": {0: "batch", 1: "sequence"},
        "attention_mask": {0: "batch", 1: "total"},
        "position_ids": {0: "batch", 1: "sequence"},
        "logits": {0: "batch", 1: "sequence"},
        **{name: {0: "batch", 2: "past"} for name in past},
        **{name: {0: "batch", 2: "total"} for name in present},
    }
    cache = [torch.zeros(1, HEADS, 3, HEAD) for _ in past]
    example = (torch.ones(1, 2, dtype=torch.long), torch.ones(1, 5, dtype=torch.long), torch.tensor([[3, 4]]), *cache)
    names = ["input_ids", "attention_mask", "position_ids", *past]
    torch.onnx.export(
        net, example, str(path), input_names=names, output_names=["logits", *present], dynamic_axes=axes, opset_version=15
    )
    clean(path)


def clean(path):
    """Takes out what the exporter says of this machine: the places in the source that each node came from."""
    model = onnx.load(str(path))
    model.doc_string = model.graph.doc_string = ""
    for node in model.graph.node:
        node.ClearField("doc_string")
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString(deterministic=True))


def main(package, target):
    torch.manual_seed(1)
    torch.set_num_threads(1)
    training, held_out = chapters(package)
    tokenizer = bpe.train("\n".join(training), VOCABULARY)
    end = [tokenizer.ids[bpe.END]]
    tokens = torch.tensor([token for text in training for token in [*end, *tokenizer.encode(text)]])
    windows = [
        (text, torch.tensor([*end, *tokenizer.encode(text)])[:CONTEXT])
        for chapter in held_out
        for text in chapter.split("\n\n")
        if len(text) > 200
    ]
    net = Decoder()
    print(f"{sum(p.numel() for p in net.parameters())} parameters, {len(tokens)} tokens, {len(windows)} held out")
    learn(net, tokens, [ids for _, ids in windows], torch.Generator().manual_seed(1))
    net.eval()

    target.mkdir(parents=True, exist_ok=True)
    export(net, target / "model.onnx")
    tokenizer.write(target / "tokenizer.json")
    measured = {
        "training": {"chapters": len(training), "tokens": len(tokens), "steps": STEPS, "tokensPerStep": BATCH * LENGTH},
        "heldOut": [
            {"text": text, "ids": ids.tolist(), "loss": loss_of(net, [ids])} for text, ids in windows
        ],
        "heldOutChapters": len(held_out),
    }
    (target / "trained.json").write_text(json.dumps(measured))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
