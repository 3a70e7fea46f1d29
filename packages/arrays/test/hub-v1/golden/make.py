"""Makes hub-v1.json: what Hub itself stored, as {path: base64}, and the values that it reads back.

Hub's last release with this interface runs on Python 3.8:
pip install 'hub==0.5.0.0' 'numpy<1.20' 'lz4<4' pillow boto3 gcsfs psutil, then: python make.py
"""

import base64
import json
import os
import tempfile

import hub
import numpy as np

random = np.random.RandomState(7)
folder = tempfile.mkdtemp()
bucket = hub.fs(folder).connect()
values = {}


def store(name, shape, chunk, dtype, data, compress="default", written=None, **options):
    array = bucket.array(name, shape=shape, chunk=chunk, dtype=dtype, compress=compress, **options)
    where = written or tuple(slice(0, n) for n in shape)
    array[where] = data
    if name != "long":  # the test knows them
        values[name] = {"dtype": np.dtype(dtype).name, "values": array[tuple(slice(0, n) for n in shape)].tolist()}


for codec in ["default", "gzip", "zlib", "lz4"]:
    store(f"codecs/{codec}:x", (7, 5), (3, 2), "int32", np.arange(35).reshape(7, 5), codec)
for dtype in ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64", "bool"]:
    store(f"dtypes/{dtype}", (5,), (2,), dtype, (random.rand(5) * 100).astype(dtype))
store("dtypes/big-endian", (3,), (2,), ">i4", [1, 2, 3])
store("sparse", (6, 4), (2, 2), "int16", 9, written=(slice(2, 3), slice(0, 1)))
# Blocks of LZ4 that refer to those before.
store("long", (40000,), (40000,), "int64", np.arange(40000) // 3, "lz4")
store("images/png", (3, 4, 6, 3), (2, 4, 6, 3), "uint8", random.randint(0, 255, (3, 4, 6, 3)), "png")
store("images/jpeg", (3, 16, 16, 3), (2, 16, 16, 3), "uint8", np.full((3, 16, 16, 3), 90), "jpeg")
dynamic = bucket.array("dynamic", shape=(4, 3, 5), chunk=(2, 3, 5), dtype="uint8", dsplit=1)
for i, shape in enumerate([(3, 5), (1, 2), (2, 4), (0, 0)]):
    dynamic.darray[i] = np.array(shape)
    if all(shape):
        dynamic[i, 0 : shape[0], 0 : shape[1]] = random.randint(1, 255, shape)
values["dynamic"] = {"dtype": "uint8", "shapes": dynamic.darray[0:4].tolist(), "values": [dynamic[i, 0:n, 0:m].tolist() for i, (n, m) in enumerate([(3, 5), (1, 2), (2, 4)])] + [[]]}
store("data/train:image", (5, 2, 2), (2, 2, 2), "float32", random.rand(5, 2, 2))
store("data/train:label", (5,), (5,), "int64", np.arange(5))
bucket.dataset("data/train:all", {"image": "data/train:image", "label": "data/train:label"})

files = {}
for parent, _, names in os.walk(folder):
    for name in names:
        path = os.path.join(parent, name)
        with open(path, "rb") as file:
            files[os.path.relpath(path, folder)] = base64.b64encode(file.read()).decode()
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "hub-v1.json"), "w") as out:
    json.dump({"madeBy": "hub 0.5.0.0", "files": dict(sorted(files.items())), "arrays": values}, out)
    out.write("\n")
