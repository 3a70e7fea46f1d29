"""
usage: torch_gradients.py FOLDER. The gradients of each layer and loss, in each of its ways, are those that PyTorch finds by
itself from the layers as it has them (float64).
"""

import json
import pathlib
import sys

import torch
import torch.nn.functional as F
from arrays import decode, distance

TOLERANCE = 2e-6


def output_of(layers, parameters, x):
    counts = {}
    for layer in layers:
        kind = layer["is"]
        counts[kind] = counts.get(kind, 0) + 1
        weight, bias = (parameters.get(f"{kind}{counts[kind]}.{part}") for part in ("weight", "bias"))
        if kind == "dense":
            x = F.linear(x, weight, bias)
        elif kind == "conv":
            x = F.conv2d(padded(layer, x, weight.shape[2:], 0.0), weight, bias, layer["strides"])
        elif kind == "maxPool":
            x = F.max_pool2d(padded(layer, x, layer["kernel"], -torch.inf), layer["kernel"], layer["strides"])
        elif kind == "averagePool":
            x = sums(layer, x) / sums(layer, torch.ones_like(x))
        elif kind == "relu":
            x = F.relu(x)
        else:
            x = x.flatten(1)
    return x


def padded(layer, x, kernel, value):
    """With as much around it as `same` asks for: where that is odd, the larger half below and to the right."""
    if layer["padding"] == "valid":
        return x
    sides = []
    for length, size, stride in zip(x.shape[2:], kernel, layer["strides"]):
        extra = max((-(-length // stride) - 1) * stride + size - length, 0)
        sides = [extra // 2, extra - extra // 2, *sides]
    return F.pad(x, sides, value=value)


def sums(layer, x):
    return F.avg_pool2d(padded(layer, x, layer["kernel"], 0.0), layer["kernel"], layer["strides"], divisor_override=1)


def loss_of(parameters, spec, batch):
    y = output_of(spec["layers"], parameters, batch["x"])
    mask = batch.get("mask", torch.ones(len(y)))
    if spec["loss"]["is"] == "squaredError":
        return (((y - batch["y"]) ** 2).mean(1) * mask).sum() / mask.sum()
    return (F.cross_entropy(y, batch["y"].long(), reduction="none") * mask).sum() / mask.sum()


def doubles(arrays, requires_grad=False):
    tensors = {name: torch.tensor(value.tolist(), dtype=torch.float64) for name, value in decode(arrays).items()}
    return {name: tensor.requires_grad_(requires_grad) for name, tensor in tensors.items()}


def compare(path):
    case = json.loads(path.read_text())
    parameters = doubles(case["parameters"], requires_grad=True)
    loss = loss_of(parameters, case["spec"], doubles(case["batch"]))
    loss.backward()
    gradients = decode(case["gradients"])
    assert parameters.keys() == gradients.keys(), path.name
    grads = {name: parameter.grad.tolist() for name, parameter in parameters.items()}
    apart = max([distance(case["loss"], loss.item())] + [distance(gradients[name], grads[name]) for name in grads])
    assert apart <= TOLERANCE, f"{path.stem} is {apart} away from PyTorch: {case['spec']}"
    return apart


paths = sorted(pathlib.Path(sys.argv[1]).glob("layer-*.json"))
assert len(paths) > 30, len(paths)
largest = max([compare(path) for path in paths])
print(f"torch {torch.__version__}: gradients of {len(paths)} networks, each layer in each of its ways, within {largest:.1e}")
