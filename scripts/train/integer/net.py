"""Small networks that are trained for integers: u8 activations, 7-bit weights, int32 sums, shifts in between.

Training runs in float32, but with every number on the grid that the graph will use: all scales are powers of two, so
the trained network and its integer form are the same function.
"""

from dataclasses import dataclass

import numpy as np

LOWEST, HIGHEST = -64, 63
"""Weights have seven bits: with u8 activations no pair of products saturates on any processor."""
INPUT_BITS = 8
"""Inputs are u8 and stand for n / 256."""


class Layer:
    """A dense layer, or with `window` a convolution of that width, stride 2, without padding."""

    def __init__(self, rng, inputs, outputs, window=0):
        self.window = window
        fan_in = inputs * (window * window if window else 1)
        self.w = (rng.standard_normal((fan_in, outputs)) * np.sqrt(2 / fan_in)).astype(np.float32)
        self.b = np.zeros(outputs, np.float32)
        self.state = [[np.zeros_like(p), np.zeros_like(p)] for p in (self.w, self.b)]
        self.weight_bits = self.in_bits = self.out_bits = None

    @property
    def sum_bits(self):
        return self.in_bits + self.weight_bits

    def integer_weights(self):
        return np.clip(np.rint(self.w * 2.0**self.weight_bits), LOWEST, HIGHEST)

    def integer_bias(self):
        return np.rint(self.b * 2.0**self.sum_bits)

    def columns(self, x):
        if not self.window:
            return x.reshape(len(x), -1)
        view = np.lib.stride_tricks.sliding_window_view(x, (self.window, self.window), axis=(2, 3))[:, :, ::2, ::2]
        self.view_shape = view.shape  # batch, channels, rows, columns, window, window
        return np.ascontiguousarray(view.transpose(0, 2, 3, 1, 4, 5)).reshape(-1, self.w.shape[0])

    def forward(self, x, quantised):
        self.x_shape, self.cols = x.shape, self.columns(x)
        if quantised:
            self.used = (self.integer_weights() / 2.0**self.weight_bits).astype(np.float32)
            bias = (self.integer_bias() / 2.0**self.sum_bits).astype(np.float32)
        else:
            self.used, bias = self.w, self.b
        z = self.cols @ self.used + bias
        if self.window:
            batch, _, rows, columns, _, _ = self.view_shape
            z = z.reshape(batch, rows, columns, -1).transpose(0, 3, 1, 2)
        return z

    def backward(self, dz, first):
        if self.window:
            dz = np.ascontiguousarray(dz.transpose(0, 2, 3, 1)).reshape(-1, self.w.shape[1])
        self.gradients = [self.cols.T @ dz, dz.sum(0)]
        if first:
            return None
        dcols = dz @ self.used.T
        if not self.window:
            return dcols.reshape(self.x_shape)
        batch, channels, rows, columns, k, _ = self.view_shape
        dcols = dcols.reshape(batch, rows, columns, channels, k, k).transpose(0, 3, 1, 2, 4, 5)
        dx = np.zeros(self.x_shape, np.float32)
        for i in range(k):
            for j in range(k):
                dx[:, :, i : i + 2 * rows : 2, j : j + 2 * columns : 2] += dcols[..., i, j]
        return dx

    def step(self, rate, time, decay):
        """One step of Adam with decoupled weight decay."""
        for p, g, (m, v), d in zip((self.w, self.b), self.gradients, self.state, (decay, 0)):
            m += 0.1 * (g - m)
            v += 0.001 * (g * g - v)
            p -= rate * (m / (1 - 0.9**time) / (np.sqrt(v / (1 - 0.999**time)) + 1e-8) + d * p)


class Net:
    def __init__(self, layers):
        self.layers, self.time = layers, 0

    def forward(self, x, quantised=False):
        """Logits of inputs in 0 to 1."""
        self.masks = []
        for layer in self.layers[:-1]:
            z = layer.forward(x, quantised)
            top = 255 / 2.0**layer.out_bits if quantised else np.inf
            self.masks.append((z > 0) & (z < top))
            x = np.clip(z, 0, top)
            if quantised:
                x = np.clip(np.floor(z * np.float32(2.0**layer.out_bits) + np.float32(0.5)), 0, 255)
                x = (x / np.float32(2.0**layer.out_bits)).astype(np.float32)
        return self.layers[-1].forward(x, quantised)

    def learn(self, x, labels, rate, quantised=False, decay=0.0):
        logits = self.forward(x, quantised)
        gradient = softmax(logits)
        gradient[np.arange(len(labels)), labels] -= 1
        gradient = (gradient / len(labels)).astype(np.float32)
        for at in range(len(self.layers) - 1, -1, -1):
            if at < len(self.layers) - 1:
                gradient = gradient * self.masks[at]
            gradient = self.layers[at].backward(gradient, first=at == 0)
        self.time += 1
        for layer in self.layers:
            layer.step(rate, self.time, decay)

    def calibrate(self, x):
        """Chooses the power of two of each layer's weights, and of its outputs over the inputs `x`."""
        bits = INPUT_BITS
        for layer in self.layers:
            layer.in_bits = bits
            # The few widest weights are clipped; training goes on with the clipped ones.
            layer.weight_bits = int(np.floor(np.log2(HIGHEST / np.quantile(np.abs(layer.w), 0.998))))
            x = np.maximum(layer.forward(x, False), 0)
            bits = layer.out_bits = int(np.floor(np.log2(255 / np.quantile(x, 0.9995))))
            if layer is not self.layers[-1]:
                layer.out_bits = bits = min(bits, layer.sum_bits - 1)


def softmax(logits):
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


@dataclass
class IntegerLayer:
    weights: np.ndarray
    """int64, inputs x outputs, -64 to 63."""
    bias: np.ndarray
    """int64, in units of the sum; for all layers but the last with the half that makes the shift round."""
    shift: int
    """The sum is divided by 2^shift and clipped to 0 to 255; 0 for the last layer."""
    window: int


@dataclass
class Confidence:
    """Softmax in integers: how much a score below the best one counts."""

    divisor: int
    table: list
    """2^30 e^-x at x = step * index; the last entry is 0."""


class IntegerNet:
    """The same network in integers, as the graph computes it."""

    def __init__(self, net: Net, temperature: float):
        self.layers = []
        for layer in net.layers:
            last = layer is net.layers[-1]
            shift = 0 if last else layer.sum_bits - layer.out_bits
            bias = layer.integer_bias().astype(np.int64) + (0 if last else 1 << (shift - 1))
            weights = layer.integer_weights().astype(np.int64)
            # Any order of summing stays within int32, the biases included.
            assert (255 * np.abs(weights).sum(0) + np.abs(bias)).max() < 2**31
            self.layers.append(IntegerLayer(weights, bias, shift, layer.window))
        unit = temperature * 2.0 ** net.layers[-1].sum_bits
        divisor = max(1, 2 ** int(np.floor(np.log2(unit / 64))))
        step = divisor / unit
        entries = int(np.ceil(22 / step)) + 1
        self.confidence = Confidence(divisor, [round(2**30 * float(np.exp(-step * at))) for at in range(entries)])
        assert self.confidence.table[-1] == 0

    def logits(self, x: np.ndarray) -> np.ndarray:
        """int64 of u8 inputs."""
        x = x.astype(np.int64)
        for layer in self.layers:
            if layer.window:
                k = layer.window
                view = np.lib.stride_tricks.sliding_window_view(x, (k, k), axis=(2, 3))[:, :, ::2, ::2]
                # Sums of at most 2^24 in float64 are exact, and fast.
                z = np.tensordot(
                    view.astype(np.float64), layer.weights.reshape(-1, k, k, layer.weights.shape[1]), ((1, 4, 5), (0, 1, 2))
                ).astype(np.int64)
                z = (z + layer.bias).transpose(0, 3, 1, 2)
            else:
                z = x.reshape(len(x), -1) @ layer.weights + layer.bias
            x = z if layer is self.layers[-1] else np.clip(z >> layer.shift, 0, 255)
        return x

    def scores(self, x: np.ndarray) -> np.ndarray:
        """Probabilities as WAD, int64."""
        logits, table = self.logits(x), np.array(self.confidence.table, dtype=np.int64)
        # Rounded up, so that only an equal logit gets an equal score.
        steps = (logits.max(1, keepdims=True) - logits + self.confidence.divisor - 1) // self.confidence.divisor
        powers = table[np.minimum(steps, len(table) - 1)]
        return powers * 10**9 // powers.sum(1, keepdims=True) * 10**9


def best_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """By which to divide logits so that confidences are true on data that the weights have not seen."""
    def loss(temperature):
        return -np.log(softmax(logits / temperature)[np.arange(len(labels)), labels] + 1e-12).mean()

    # A coarse grid, as the last digits would be noise.
    return min((2.0 ** (at / 4) for at in range(-8, 17)), key=loss)
