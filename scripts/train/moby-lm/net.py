"""A decoder of the Llama kind: RMS norm, rotary positions, gated feed-forward, tied embeddings, and a KV cache."""

import torch
from torch import nn
from torch.nn import functional as F

VOCABULARY, WIDTH, LAYERS, HEADS, HIDDEN, CONTEXT = 1024, 160, 4, 5, 416, 256
HEAD = WIDTH // HEADS


class Norm(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(WIDTH))

    def forward(self, x):
        return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + 1e-5) * self.weight


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.before_attention, self.before_mlp = Norm(), Norm()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.out = nn.Linear(WIDTH, WIDTH, bias=False)
        self.gate = nn.Linear(WIDTH, HIDDEN, bias=False)
        self.up = nn.Linear(WIDTH, HIDDEN, bias=False)
        self.down = nn.Linear(HIDDEN, WIDTH, bias=False)
        self.dropout = nn.Dropout(0.1)

    def forward(self, x, cos, sin, mask, past):
        batch, length, _ = x.shape
        q, k, v = self.qkv(self.before_attention(x)).view(batch, length, 3, HEADS, HEAD).permute(2, 0, 3, 1, 4)
        q, k = turned(q, cos, sin), turned(k, cos, sin)
        k, v = torch.cat([past[0], k], 2), torch.cat([past[1], v], 2)
        scores = q @ k.transpose(2, 3) * HEAD**-0.5 + mask
        attended = (F.softmax(scores, -1) @ v).transpose(1, 2).reshape(batch, length, WIDTH)
        x = x + self.dropout(self.out(attended))
        h = self.before_mlp(x)
        return x + self.dropout(self.down(F.silu(self.gate(h)) * self.up(h))), (k, v)


def turned(x, cos, sin):
    left, right = x[..., : HEAD // 2], x[..., HEAD // 2 :]
    return torch.cat([left * cos - right * sin, right * cos + left * sin], -1)


class Decoder(nn.Module):
    """Takes and gives what a Hugging Face causal language model exported to ONNX does."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, WIDTH)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.norm = Norm()
        angles = torch.arange(CONTEXT)[:, None] * 10000 ** (-torch.arange(0, HEAD, 2) / HEAD)
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, std=0.05)

    def forward(self, input_ids, attention_mask, position_ids, *past):
        x = self.embedding(input_ids)
        cos, sin = self.cos[position_ids][:, None], self.sin[position_ids][:, None]
        # A key may be seen from its own position on, and never where the mask says that there is nothing.
        order = attention_mask.cumsum(1) - 1
        hidden = (order[:, None, None, :] > position_ids[:, None, :, None]) | (attention_mask[:, None, None, :] == 0)
        mask = hidden.to(x.dtype) * -1e9
        present = []
        for at, layer in enumerate(self.layers):
            x, cache = layer(x, cos, sin, mask, past[2 * at : 2 * at + 2])
            present += cache
        return (self.norm(x) @ self.embedding.weight.T, *present)


def no_past(batch):
    return [torch.zeros(batch, HEADS, 0, HEAD) for _ in range(2 * LAYERS)]
