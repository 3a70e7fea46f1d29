"""Models written by onnx, and what its reference evaluator computes: python make.py FOLDER. Made with onnx 1.23.2, numpy 2.4.6."""

import json
import os
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

X = [[1, -2, 3, 4], [-5, 0.5, 1, 2]]


def weights(name, shape, scale):
    return numpy_helper.from_array(np.sin(np.arange(np.prod(shape)) * scale).astype("float32").reshape(shape), name)


def floats(name, shape):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def branch(name, scale):
    added = helper.make_node("Add", ["h", name], [f"{name}.out"])
    return helper.make_graph([added], name, [], [floats(f"{name}.out", ["N", 40])], [weights(name, (40,), scale)])


def model(nodes):
    nodes = [helper.make_node("MatMul", ["x", "w1"], ["h"]), *nodes]
    nodes += [helper.make_node("Constant", [], ["w2"], value=weights("w2", (40, 3), 0.5))]
    nodes += [helper.make_node("MatMul", ["b", "w2"], ["y"])]
    graph = helper.make_graph(nodes, "g", [floats("x", ["N", 4])], [floats("y", ["N", 3])], [weights("w1", (4, 40), 0.2)])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(made, {"made": "by onnx"})
    onnx.checker.check_model(made, full_check=True)
    return made


chain = model([helper.make_node("Relu", ["h"], ["b"])])
branches = model(
    [
        helper.make_node("ReduceSum", ["x"], ["sum"], keepdims=0),
        helper.make_node("Constant", [], ["zero"], value=numpy_helper.from_array(np.zeros((), "float32"))),
        helper.make_node("Greater", ["sum", "zero"], ["positive"]),
        helper.make_node("If", ["positive"], ["b"], then_branch=branch("then", 0.3), else_branch=branch("else", 0.7)),
    ]
)


def save(made, path, location=None):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if location is not None:
        os.makedirs(os.path.dirname(os.path.join(os.path.dirname(path), location)), exist_ok=True)
    copy = onnx.load_from_string(made.SerializeToString())  # which a save changes
    onnx.save_model(
        copy,
        path,
        save_as_external_data=True,
        all_tensors_to_one_file=location is not None,
        location=location,
        size_threshold=100,
        convert_attribute=True,
    )


folder = sys.argv[1]
onnx.save_model(chain, f"{folder}/chain.onnx")
onnx.save_model(branches, f"{folder}/branches.onnx")
save(chain, f"{folder}/one-file/chain.onnx", "weights/chain.bin")
save(chain, f"{folder}/file-each/chain.onnx")
save(branches, f"{folder}/branches-in-file/branches.onnx", "branches.bin")
outputs = {
    name: ReferenceEvaluator(made).run(None, {"x": np.array(X, "float32")})[0].tolist()
    for name, made in {"chain": chain, "branches": branches}.items()
}
json.dump({"x": X, "y": outputs}, open(f"{folder}/outputs.json", "w"))
