"""exchange_images.py NODE FOLDER: reads the images that write-arrays.mjs wrote by imagecodecs-zarr, with nothing of ours, and
writes others for read-arrays.mjs."""
import json
import sys
from pathlib import Path

import imagecodecs.zarr
import numpy as np
import zarr

node, folder = map(Path, sys.argv[1:])
read = 0
for image in json.loads((node / "written.json").read_text()):
    name = image["name"]
    if not name.startswith("image-"):
        continue
    expected = np.fromfile(node / f"{name}.bin", "uint8").reshape(image["shape"])
    found = zarr.open_array(node / "arrays%" / name, mode="r")[:]
    most = 3 if image["isLossy"] else 0
    assert found.shape == expected.shape and np.abs(found.astype(int) - expected).max() <= most, name
    read += 1

written = []
for kind, codec, channels in [
    ("png", imagecodecs.zarr.Png(level=9), (1, 3, 4)),
    ("jpeg", imagecodecs.zarr.Jpeg(level=90), (1, 3)),
]:
    for count in channels:
        name, shape = f"{kind}-{count}", (2, 16, 12, count)
        options = {"chunks": (1, *shape[1:]), "serializer": codec, "compressors": None}
        array = zarr.create_array(folder / "arrays%" / name, shape=shape, dtype="uint8", **options)
        array[:] = (100 + 80 * np.sin(np.arange(array.size) / 300)).astype("uint8").reshape(shape)
        array[:].tofile(folder / f"{name}.bin")
        written.append({"name": name, "dtype": "uint8", "shape": shape, "isLossy": kind == "jpeg"})
(folder / "written.json").write_text(json.dumps(written))
print(f"arrays: {read} of images are read by imagecodecs-zarr {imagecodecs.__version__}")
