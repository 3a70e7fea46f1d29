"""
usage: train_mlp.py FOLDER. The MLP of real digits in numpy, float64, with each optimizer and loss: after 50 steps losses,
parameters and what the optimizer remembers agree with those of the graphs, which compute in float32, within a millionth of
the scale. Adam divides by the size of the gradient, so that rounding shows in full where a gradient is no larger than epsilon:
there one element in ten thousand may be further off, and all are within a ten-millionth in root mean square.
"""

import json
import pathlib
import sys

import numpy as np
from arrays import as_type, decode, distance

TOLERANCE = 1e-6
MARGIN = 3e-7
WEIGHTS = ["dense1.weight", "dense1.bias", "dense2.weight", "dense2.bias"]


def loss_and_gradients(kind, p, batch):
    x = batch["x"].reshape(len(batch["x"]), -1) * np.float32(1 / 255).astype(float)
    before = x @ p["dense1.weight"].T + p["dense1.bias"]
    assert np.abs(before).min() > MARGIN, f"a ReLU at {np.abs(before).min()} may have another sign in float32: take another seed"
    hidden = np.maximum(before, 0)
    y = hidden @ p["dense2.weight"].T + p["dense2.bias"]
    mask = batch["mask"][:, None]
    if kind == "crossEntropy":
        wanted = np.eye(10)[batch["y"].astype(int)]
        shifted = y - y.max(1, keepdims=True)
        logs = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
        loss = -(logs * wanted * mask).sum() / mask.sum()
        dy = (np.exp(logs) - wanted) * mask / mask.sum()
    else:
        error = (y - batch["y"]) * mask
        loss = (error**2).sum() / (mask.sum() * 10)
        dy = 2 * error / (mask.sum() * 10)
    dhidden = (dy @ p["dense2.weight"]) * (before > 0)
    gradients = [dhidden.T @ x, dhidden.sum(0), dy.T @ hidden, dy.sum(0)]
    return loss, dict(zip(WEIGHTS, gradients))


def update(spec, state, gradients):
    lr, options = spec["lr"], spec["options"]
    if spec["optimizer"] in ("adam", "adamW"):
        state["adam.step"] = state["adam.step"] + 1
    for name, gradient in gradients.items():
        if spec["optimizer"] == "sgd":
            state[name] = state[name] - lr * gradient
        elif spec["optimizer"] == "momentum":
            velocity = options["momentum"] * state[f"{name}.momentum"] + gradient
            state[f"{name}.momentum"] = velocity
            state[name] = state[name] - lr * velocity
        else:
            beta1, beta2, step = options["beta1"], options["beta2"], float(state["adam.step"])
            m = state[f"{name}.m"] = beta1 * state[f"{name}.m"] + (1 - beta1) * gradient
            v = state[f"{name}.v"] = beta2 * state[f"{name}.v"] + (1 - beta2) * gradient**2
            decayed = state[name] * (1 - lr * options.get("weightDecay", 0))
            change = (m / (1 - beta1**step)) / (np.sqrt(v / (1 - beta2**step)) + options["epsilon"])
            state[name] = decayed - lr * change


def trained(case):
    """Losses of 50 steps, and the state after them."""
    state = as_type(np.float64, decode(case["initial"]))
    losses = []
    for batch in case["batches"]:
        loss, gradients = loss_and_gradients(case["spec"]["loss"], state, as_type(np.float64, decode(batch)))
        losses.append(loss)
        update(case["spec"], state, gradients)
    return losses, state


def compare(path):
    case = json.loads(path.read_text())
    losses, state = trained(case)
    final = decode(case["final"])
    assert state.keys() == final.keys(), path.name
    loss = distance(case["losses"], losses)
    apart = {name: distance(final[name], state[name]) for name in state}
    name = max(apart, key=apart.get)
    print(f"{path.stem}: {losses[0]:.3f} to {losses[-1]:.3f}; losses within {loss:.1e}, {name} within {apart[name]:.1e}")
    assert loss <= TOLERANCE, f"losses are {loss} apart"
    for name in [name for name in apart if apart[name] > TOLERANCE]:
        assert case["spec"]["optimizer"] in ("adam", "adamW"), f"{name} is {apart[name]} apart"
        errors = np.abs(final[name] - state[name])
        further, mean = int((errors > TOLERANCE).sum()), np.sqrt((errors**2).mean())
        print(f"  {further} of {errors.size} elements of {name} are further off than {TOLERANCE}; root mean square {mean:.1e}")
        assert further <= max(1, errors.size / 10_000) and mean <= TOLERANCE / 10 and apart[name] < 1e-4, name


paths = sorted(pathlib.Path(sys.argv[1]).glob("mlp-*.json"))
assert len(paths) == 8, len(paths)
for path in paths:
    compare(path)
print(f"50 steps of the MLP agree with numpy's (float64) within {TOLERANCE} of the scale, but for what is said above")
