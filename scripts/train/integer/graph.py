"""Writes an integer network as ONNX. Every tensor is an integer, so no runtime has anything to round."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from net import IntegerNet

ZERO_POINT = 64
"""ONNX Runtime's ConvInteger takes u8 weights only: they are stored 64 higher, in 0 to 127."""

INTEGERS = {TensorProto.UINT8, TensorProto.INT32, TensorProto.INT64}


def build(name: str, net: IntegerNet, inputs, front, shape) -> onnx.ModelProto:
    """`x` -> `scores` int64[N, classes], probabilities as WAD.

    @param inputs The graph's input.
    @param front Adds nodes from `x` to a u8 tensor and returns its name.
    @param shape The u8 tensor's shape without the batch.
    """
    writer = Writer()
    value, shape = front(writer), list(shape)
    for at, layer in enumerate(net.layers):
        if layer.window:
            k, channels = layer.window, shape[0]
            weights = layer.weights.T.reshape(-1, channels, k, k) + ZERO_POINT
            value = writer.node(
                "ConvInteger",
                [value, writer.constant(weights, np.uint8), "", writer.constant(ZERO_POINT, np.uint8)],
                strides=[2, 2],
                kernel_shape=[k, k],
            )
            value = writer.node("Add", [value, writer.constant(layer.bias.reshape(-1, 1, 1), np.int32)])
            shape = [len(weights), *((side - k) // 2 + 1 for side in shape[1:])]
        else:
            if len(shape) > 1:
                value = writer.node("Flatten", [value], axis=1)
            value = writer.node("MatMulInteger", [value, writer.constant(layer.weights, np.int8)])
            value = writer.node("Add", [value, writer.constant(layer.bias, np.int32)])
            shape = [layer.weights.shape[1]]
        if layer is not net.layers[-1]:
            # Clipped first: nothing negative is left for the division, which cuts towards zero.
            top = (256 << layer.shift) - 1
            value = writer.node("Clip", [value, writer.constant(0, np.int32), writer.constant(top, np.int32)])
            value = writer.node("Div", [value, writer.constant(1 << layer.shift, np.int32)])
            value = writer.node("Cast", [value], to=TensorProto.UINT8)

    divisor, table = net.confidence.divisor, net.confidence.table
    best = writer.node("ReduceMax", [value], axes=[1], keepdims=1)
    behind = writer.node("Sub", [best, value])
    behind = writer.node("Add", [behind, writer.constant(divisor - 1, np.int32)])
    steps = writer.node("Div", [behind, writer.constant(divisor, np.int32)])
    steps = writer.node("Min", [steps, writer.constant(len(table) - 1, np.int32)])
    powers = writer.node("Gather", [writer.constant(table, np.int64), steps], axis=0)
    total = writer.node("ReduceSum", [powers, writer.constant([1], np.int64)], keepdims=1)
    billion = writer.constant(10**9, np.int64)
    billionths = writer.node("Div", [writer.node("Mul", [powers, billion]), total])
    writer.node("Mul", [billionths, billion], output="scores")

    graph = helper.make_graph(
        writer.nodes,
        name,
        [inputs],
        [helper.make_tensor_value_info("scores", TensorProto.INT64, ["N", shape[0]])],
        writer.constants,
    )
    model = helper.make_model(
        graph, producer_name="sibyl", producer_version="1", ir_version=8, opset_imports=[helper.make_opsetid("", 16)]
    )
    onnx.checker.check_model(model)
    tensors = [value.type.tensor_type.elem_type for value in onnx.shape_inference.infer_shapes(model).graph.value_info]
    assert len(tensors) == len(writer.nodes) - 1 and set(tensors) <= INTEGERS
    return model


class Writer:
    def __init__(self):
        self.nodes, self.constants = [], []

    def constant(self, value, dtype) -> str:
        name = f"c{len(self.constants)}"
        array = np.array(value).astype(dtype)
        assert np.array_equal(array, value)
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def node(self, operator, inputs, output=None, **attributes) -> str:
        output = output or f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output
