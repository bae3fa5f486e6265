"""The stages as ONNX, node by node: the network is small, so no converter (nor TensorFlow) stands between.

One file a stage: an ONNX graph has one set of inputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from improv.train.runtimes.stages import ExportStage, Weights, stages

OPSET, IR = 17, 8  # of 2022: what older runtimes, and those in browsers, read as well
_KINDS = {"int32": TensorProto.INT32, "float32": TensorProto.FLOAT}


class _Nodes:
    """Operations that write nodes; a tensor is its name."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: dict[str, onnx.TensorProto] = {}

    def node(self, kind: str, *inputs: str, outputs: int = 1, **attributes: Any) -> list[str]:
        names = [f"{kind}_{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, **attributes))
        return names

    def one(self, kind: str, *inputs: str, **attributes: Any) -> str:
        return self.node(kind, *inputs, **attributes)[0]

    def weight(self, name: str, array: np.ndarray) -> str:
        self.weights[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def rows(self, name: str, table: np.ndarray, columns: str, first: np.ndarray) -> str:
        numbers = self.one("Add", columns, self.weight(f"{name}.first", first.astype(np.int32)))
        taken = self.one("Gather", self.weight(f"{name}.table", table), numbers, axis=0)  # (B, n, width)
        return self.one("ReduceSum", taken, self.weight(f"{name}.axis", np.array([1], np.int64)), keepdims=0)

    def dense(self, name: str, x: str, kernel: np.ndarray, bias: np.ndarray) -> str:
        return self.one("Gemm", x, self.weight(f"{name}.kernel", kernel), self.weight(f"{name}.bias", bias))

    def pick(self, name: str, x: str, places: np.ndarray, which: str) -> str:
        row = self.one("Gather", self.weight(f"{name}.places", places.astype(np.int32)), which, axis=0)
        return self.one("GatherElements", x, row, axis=1)

    def split(self, x: str, sizes: Sequence[int]) -> list[str]:
        return self.node("Split", x, self._constant(np.array(sizes, np.int64)), outputs=len(sizes), axis=1)

    def join(self, xs: Sequence[str]) -> str:
        return self.one("Concat", *xs, axis=1)

    def add(self, x: str, y: str | np.ndarray) -> str:
        return self.one("Add", x, self._constant(y) if isinstance(y, np.ndarray) else y)

    def multiply(self, x: str, y: str) -> str:
        return self.one("Mul", x, y)

    def sigmoid(self, x: str) -> str:
        return self.one("Sigmoid", x)

    def tanh(self, x: str) -> str:
        return self.one("Tanh", x)

    def relu(self, x: str) -> str:
        return self.one("Relu", x)

    def _constant(self, array: np.ndarray) -> str:
        return self.weight(f"constant_{len(self.weights)}", array)


def write(folder: Path, weights: Weights, about: Mapping[str, str]) -> None:
    """Write STAGE.onnx for every stage. about: what each file's metadata says."""
    for name, stage in stages(weights).items():
        onnx.save(_graph(name, stage, weights, about), folder / f"{name}.onnx")


def _graph(name: str, stage: ExportStage, weights: Weights, about: Mapping[str, str]) -> onnx.ModelProto:
    nodes = _Nodes()
    made = stage.build(nodes, weights, {k: k for k in stage.inputs})
    nodes.nodes += [helper.make_node("Identity", [made[k]], [k]) for k in stage.outputs]
    inputs = [helper.make_tensor_value_info(k, _KINDS[x.kind], ["batch", *x.width]) for k, x in stage.inputs.items()]
    outputs = [helper.make_tensor_value_info(k, TensorProto.FLOAT, ["batch", n]) for k, n in stage.outputs.items()]
    graph = helper.make_graph(nodes.nodes, name, inputs, outputs, list(nodes.weights.values()))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR, producer_name="improv")
    helper.set_model_props(model, dict(about))
    onnx.checker.check_model(model, full_check=True)
    return model
