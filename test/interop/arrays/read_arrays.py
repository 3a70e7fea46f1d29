"""Opens what write-arrays.mjs wrote with zarr-python, and with tensorstore where it has the codec: equal to the bit."""
import json
import sys
from pathlib import Path

import numpy as np
import tensorstore
import zarr

import image_codecs

image_codecs.register()
folder = Path(sys.argv[1])
TENSORSTORE_LACKS = ("numcodecs.", "imagecodecs_")


def folder_of(name: str) -> Path:
    return folder / "arrays%" / name


by_zarr = by_tensorstore = 0
for written in json.loads((folder / "written.json").read_text()):
    name = written["name"]
    raw = (folder / f"{name}.bin").read_bytes()
    expected = np.frombuffer(raw, dtype=written["dtype"]).reshape(written["shape"])
    array = zarr.open_array(folder_of(name), mode="r")
    assert array.dtype == expected.dtype and array.shape == expected.shape, (name, array)
    found = array[:]
    if written["isLossy"]:
        assert np.abs(found.astype(int) - expected.astype(int)).mean() < 3, name
    else:
        assert found.tobytes() == raw, name
    by_zarr += 1
    codecs = json.loads((folder_of(name) / "zarr.json").read_text())["codecs"]
    if any(codec["name"].startswith(TENSORSTORE_LACKS) for codec in codecs):
        continue
    spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": f"{folder_of(name)}/"}}
    assert tensorstore.open(spec).result().read().result().tobytes() == raw, name
    by_tensorstore += 1
print(f"arrays: {by_zarr} written in Node are read by zarr {zarr.__version__}, {by_tensorstore} of them by tensorstore")
