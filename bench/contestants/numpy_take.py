"""numpy_take.py WORKLOAD SCALE RAW MODE RECORDS BATCH: epochs gathered by numpy in one thread, its own shuffle counted.

MODE clip, raise: np.take(x, rows, axis=0, out=buffer, mode=MODE) into one reused buffer, labels likewise; x is in memory.
mapped: as clip, x is a memory map of the file.
Records of varying size: bytes (a list of bytes objects), copy (a loop of slice copies into one reused buffer),
vectorised (an index for every byte, one take into one reused buffer).
"""
import json
import sys
import time

import numpy as np

name, scale, raw, mode, records, batch = sys.argv[1:7]
records, batch = int(records), int(batch)
SHAPES = {"w1": (np.uint8, (28, 28)), "w3": (np.uint16, (1025,)), "w4": (np.float32, (3, 64, 64))}
SEED = 7

labels = np.fromfile(f"{raw}/y.bin", np.int64) if name != "w3" else None


def fixed():
    dtype, shape = SHAPES[name]
    if mode == "mapped":
        x = np.asarray(np.memmap(f"{raw}/x.bin", dtype, "r"))
    else:
        x = np.fromfile(f"{raw}/x.bin", dtype)
    x = x.reshape((-1,) + shape)
    take_mode = "raise" if mode == "raise" else "clip"
    out = np.empty((batch,) + shape, dtype)
    label_out = np.empty(batch, np.int64)

    def epoch(number):
        order = np.random.default_rng((SEED, number)).permutation(records)
        for start in range(0, records, batch):
            rows = order[start:start + batch]
            n = len(rows)
            np.take(x, rows, axis=0, out=out if n == batch else out[:n], mode=take_mode)
            if labels is not None:
                np.take(labels, rows, out=label_out if n == batch else label_out[:n], mode=take_mode)
            yield rows, out[:n], label_out[:n]

    def check(rows, got, got_labels):
        assert np.array_equal(got, x[rows]) and (labels is None or np.array_equal(got_labels, rows))

    return epoch, check


def variable():
    blob = np.fromfile(f"{raw}/x.bin", np.uint8)
    offsets = np.fromfile(f"{raw}/off.bin", np.int64)
    view, ends = memoryview(blob), offsets.tolist()
    lengths = np.diff(offsets)
    out = np.empty(batch * int(lengths.max()), np.uint8)

    def as_bytes(rows):
        return [bytes(view[ends[i]:ends[i + 1]]) for i in rows.tolist()]

    def as_copies(rows):
        at, got = 0, []
        for i in rows.tolist():
            start, end = ends[i], ends[i + 1]
            row = out[at:at + end - start]
            row[:] = blob[start:end]
            got.append(row)
            at += end - start
        return got

    def vectorised(rows):
        sizes = lengths[rows]
        bounds = np.cumsum(sizes)
        places = np.arange(bounds[-1]) + np.repeat(offsets[rows] - bounds + sizes, sizes)
        np.take(blob, places, out=out[:bounds[-1]], mode="clip")
        return np.split(out[:bounds[-1]], bounds[:-1])

    gather = {"bytes": as_bytes, "copy": as_copies, "vectorised": vectorised}[mode]

    def epoch(number):
        order = np.random.default_rng((SEED, number)).permutation(records)
        for start in range(0, records, batch):
            rows = order[start:start + batch]
            yield rows, gather(rows), labels[rows]

    def check(rows, got, got_labels):
        assert all(bytes(a) == bytes(view[ends[i]:ends[i + 1]]) for a, i in zip(got, rows)) and np.array_equal(got_labels, rows)

    return epoch, check


def answer(**line):
    print(json.dumps(line), flush=True)


epoch, check = variable() if name == "w2" else fixed()
for batch_read in epoch(0):
    check(*batch_read)
number = 1
answer(ready=True, verified=True)
for line in sys.stdin:
    seconds = []
    for _ in range(int(line)):
        started = time.perf_counter()
        for _batch in epoch(number):
            pass
        seconds.append(time.perf_counter() - started)
        number += 1
    answer(seconds=seconds)
with open("/proc/self/status") as status:
    peak = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
answer(peakMemoryBytes=peak)
