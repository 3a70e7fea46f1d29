"""arrays_zarr.py OPERATION RAW ARRAY ROWS: an array read or written by zarr-python in slices of so many rows."""
import json
import sys
import time

import numpy as np
import zarr

operation, raw, path, rows = sys.argv[1:5]
rows = int(rows)
array = zarr.open_array(path, mode="r" if operation == "read" else "r+")
values = np.fromfile(raw, np.uint8).reshape(array.shape)


def epoch(check=False):
    for start in range(0, array.shape[0], rows):
        if operation == "read":
            data = array[start:start + rows]
            assert not check or np.array_equal(data, values[start:start + rows])
        else:
            array[start:start + rows] = values[start:start + rows]


def answer(**line):
    print(json.dumps(line), flush=True)


epoch(check=True)
assert operation == "read" or np.array_equal(array[:], values)
answer(ready=True, verified=True)
for line in sys.stdin:
    seconds = []
    for _ in range(int(line)):
        started = time.perf_counter()
        epoch()
        seconds.append(time.perf_counter() - started)
    answer(seconds=seconds)
with open("/proc/self/status") as status:
    peak = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
answer(peakMemoryBytes=peak)
