"""
usage: layer_gradients.py FOLDER. The gradients of each layer and loss, in each of its ways, are those that JAX finds by itself
from the layers as JAX has them (float64).
"""

import json
import pathlib
import sys

import jax
import jax.numpy as jnp
from arrays import as_type, decode, distance
from jax import lax

TOLERANCE = 2e-6
jax.config.update("jax_enable_x64", True)


def output_of(layers, parameters, x):
    counts = {}
    for layer in layers:
        kind = layer["is"]
        counts[kind] = counts.get(kind, 0) + 1
        weight, bias = (parameters.get(f"{kind}{counts[kind]}.{part}") for part in ("weight", "bias"))
        if kind == "dense":
            x = x @ weight.T + (0 if bias is None else bias)
        elif kind == "conv":
            names = ("NCHW", "OIHW", "NCHW")
            x = lax.conv_general_dilated(x, weight, layer["strides"], layer["padding"].upper(), dimension_numbers=names)
            x = x + (0 if bias is None else bias[:, None, None])
        elif kind == "maxPool":
            x = pooled(layer, x, -jnp.inf, lax.max)
        elif kind == "averagePool":
            x = pooled(layer, x, 0.0, lax.add) / pooled(layer, jnp.ones_like(x), 0.0, lax.add)
        elif kind == "relu":
            x = jax.nn.relu(x)
        else:
            x = x.reshape(len(x), -1)
    return x


def pooled(layer, x, start, combine):
    kernel, strides = (1, 1, *layer["kernel"]), (1, 1, *layer["strides"])
    return lax.reduce_window(x, start, combine, kernel, strides, layer["padding"].upper())


def loss_of(parameters, spec, batch):
    y = output_of(spec["layers"], parameters, batch["x"])
    mask = batch.get("mask", jnp.ones(len(y)))
    if spec["loss"]["is"] == "squaredError":
        return (((y - batch["y"]) ** 2).mean(1) * mask).sum() / mask.sum()
    logs = jnp.take_along_axis(jax.nn.log_softmax(y), batch["y"].astype(int)[:, None], 1)[:, 0]
    return -(logs * mask).sum() / mask.sum()


def compare(path):
    case = json.loads(path.read_text())
    batch, parameters = as_type(float, decode(case["batch"])), as_type(float, decode(case["parameters"]))
    loss, expected = jax.value_and_grad(loss_of)(parameters, case["spec"], batch)
    gradients = decode(case["gradients"])
    assert expected.keys() == gradients.keys(), path.name
    apart = max([distance(case["loss"], loss)] + [distance(gradients[name], expected[name]) for name in gradients])
    assert apart <= TOLERANCE, f"{path.stem} is {apart} away from JAX: {case['spec']}"
    return apart


paths = sorted(pathlib.Path(sys.argv[1]).glob("layer-*.json"))
assert len(paths) > 30, len(paths)
largest = max([compare(path) for path in paths])
print(f"jax {jax.__version__}: gradients of {len(paths)} networks, each layer in each of its ways, within {largest:.1e}")
