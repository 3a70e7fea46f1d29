"""usage: check_graphs.py FOLDER. Every graph passes onnx.checker, and is encoded as the official schema encodes it."""

import pathlib
import sys

import onnx


def check(path):
    data = path.read_bytes()
    model = onnx.load_from_string(data)
    onnx.checker.check_model(model, full_check=True)
    assert model.SerializeToString(deterministic=True) == data, f"{path.name}: re-encoded it has other bytes"
    assert not model.graph.value_info, path.name
    inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    for given, found in zip(model.graph.output, inferred.graph.output):
        assert given == found, f"{path.name}: {given.name} is inferred to be {found}"
    produced = {name for node in model.graph.node for name in node.output}
    inputs = {value.name for value in model.graph.input}
    assert not inputs & produced, path.name
    outputs = {value.name: value for value in model.graph.output}
    if path.name.endswith(".gradient.onnx"):
        parameters = [value for value in model.graph.input if f"{value.name}.grad" in outputs]
        assert parameters, path.name
        assert all(value.type == outputs[f"{value.name}.grad"].type for value in parameters), path.name
        assert len(parameters) + len({"loss", "accuracy"} & outputs.keys()) == len(outputs), path.name
    if path.name.endswith((".training.onnx", ".update.onnx")):
        states = [value for value in model.graph.input if f"{value.name}.out" in outputs]
        assert all(value.type == outputs[f"{value.name}.out"].type for value in states), path.name
        assert len(states) + len({"loss", "accuracy"} & outputs.keys()) == len(outputs), path.name


paths = sorted(pathlib.Path(sys.argv[1]).glob("*.onnx"))
assert len(paths) > 200, len(paths)
for path in paths:
    check(path)
print(f"onnx {onnx.__version__}: {len(paths)} graphs pass the full check and are encoded to the byte as by the official schema")
