"""A checkpoint of a training loop, opened by Python's safetensors, has the arrays that Node saved.

usage: python check_checkpoints.py FOLDER, after node write-checkpoint.mjs FOLDER
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy
from safetensors import safe_open
from safetensors.numpy import load_file

folder = Path(sys.argv[1])
path = folder / "run.safetensors"
expected = json.loads((folder / "expected.json").read_text())

with safe_open(path, framework="numpy") as file:
    metadata = file.metadata()
    names = set(file.keys())
assert names == {*expected["parameters"], "sha256"}, names
for key in ("step", "model", "runtime", "threads"):
    assert metadata[key] == expected[key], (key, metadata[key])
assert json.loads(metadata["state"]) == expected["state"]

arrays = load_file(path)
for name, array in expected["parameters"].items():
    assert list(arrays[name].shape) == array["shape"], name
    assert str(arrays[name].dtype) == array["dtype"], name
    assert arrays[name].tobytes().hex() == array["bytes"], name
assert numpy.isfinite(arrays["dense1.weight"]).all()

data = path.read_bytes()
assert hashlib.sha256(data[:-32]).digest() == arrays["sha256"].tobytes()
print(f"checkpoints: safetensors reads the {len(expected['parameters'])} arrays that Node saved")
