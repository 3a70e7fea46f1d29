"""windows.py FOLDER: holds windows that write-windows.mjs wrote against numpy's, of the memory-mapped token files."""

import json
import sys
from pathlib import Path

import numpy as np

folder = Path(sys.argv[1])
written = json.loads((folder / "windows.json").read_text())
directory = Path(written["directory"])

for case in written["cases"]:
    size, stride, name = case["sequenceLength"], case["stride"], case["name"]
    ids = np.load(directory / f"{case['split']}.npy", mmap_mode="r")
    assert isinstance(ids, np.memmap) and ids.dtype == np.uint16, ids.dtype
    windows = np.lib.stride_tricks.sliding_window_view(ids, size + 1)[::stride]
    assert len(windows) == case["length"], (case, len(windows))
    if stride == size:
        assert case["length"] == (len(ids) - 1) // size, case
    for column, wanted in ("inputs", windows[:, :-1]), ("labels", windows[:, 1:]):
        got = np.fromfile(folder / "windows" / f"{name}.{column}", dtype="<i8").reshape(-1, size)
        np.testing.assert_array_equal(got, wanted, err_msg=f"{column} of {case}")
    ends = np.load(directory / f"{case['split']}.documents.npy", mmap_mode="r")
    assert ends.dtype == np.int64 and ends[-1] == len(ids) and (ids[ends - 1] == 50256).all()

print(f"{len(written['cases'])} sets of windows as numpy {np.__version__} has them")
