"""Writes golden/numpy.json: numpy's own legacy shuffle for many (n, seed, epoch). Run: python make_numpy_golden.py (needs numpy)."""

import hashlib
import json
import pathlib

import numpy

P32 = 2**32
P52 = 2**52
SMALL_LENGTHS = [0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 16, 17, 32]
LENGTHS = [100, 255, 256, 257, 623, 624, 625, 1000, 4096, 60_000, 65_535, 65_536, 65_537, 1_000_000]
PAIRS = [
    (0, 0), (0, 1), (1, 0), (777, 0), (777, 1), (777, 2), (123_456_789, 1000),
    (2**31 - 1, 0), (2**31 - 1, 1), (P32 - 2, 1), (P32 - 1, 0), (P32 - 1, 1), (P32 - 1, P32 - 1),
    (P32, 0), (P32 + 5, 0), (P32 - 10, 20), (2 * P32 - 1, 0), (2 * P32 - 1, 1), (0, P32 - 1), (0, P32),
    (2**40, 3), (123_456_789_012_345, 42), (P52 - 1, 0), (P52 - 1, 1), (P52, 0), (P52, 7), (P52, P52),
]  # fmt: skip
LONG_PAIRS = [(0, 0), (777, 2), (P32 - 1, 0), (P32 - 1, 1), (P32 + 5, 0), (P52, 7)]
EXTRA = [(2**20, 3, 4), (2**20 + 1, 3, 4), (2**21, P32 - 1, 1), (5_000_000, 1, 2), (10_000_000, P52, 1)]


def order(n, seed, epoch):
    total = seed + epoch
    state = numpy.random.RandomState(total if total < P32 else [total % P32, total // P32])
    indices = numpy.arange(n)
    state.shuffle(indices)
    return indices.astype("<u4")


def case(n, seed, epoch):
    indices = order(n, seed, epoch)
    head = {"n": n, "seed": seed, "epoch": epoch}
    if n <= 32:
        return head | {"order": indices.tolist()}
    digest = hashlib.sha256(indices.tobytes()).hexdigest()
    return head | {"first": indices[:4].tolist(), "last": indices[-4:].tolist(), "sha256": digest}


cases = [case(n, *pair) for n in SMALL_LENGTHS for pair in PAIRS]
cases += [case(n, *pair) for n in LENGTHS for pair in LONG_PAIRS]
cases += [case(*arguments) for arguments in EXTRA]

lines = ",\n".join("    " + json.dumps(c) for c in cases)
text = f'{{\n  "numpy": "{numpy.__version__}",\n  "cases": [\n{lines}\n  ]\n}}\n'
(pathlib.Path(__file__).with_name("golden") / "numpy.json").write_text(text)
print(len(cases), "cases by numpy", numpy.__version__)
