"""Writes golden/parts.json: the 'parts' order as docs/orders.md defines it, and nothing but that page and plain Python."""

import functools
import hashlib
import itertools
import json
import pathlib
import struct

from make_permutation_golden import open_order


def layout_hash(parts):
    text = "layout " + " ".join(str(records) for records in parts if records > 0)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def open_parts_order(parts, window, seed, epoch):
    """The index at a position, as a function."""
    filled = [number for number, records in enumerate(parts) if records > 0]
    starts = [0, *itertools.accumulate(parts)]
    outer = open_order(len(filled), seed, epoch, 0)
    sequence = [filled[outer(k)] for k in range(len(filled))]
    windows, first = [], 0
    for w in range(-(-len(filled) // window)):
        mine = sequence[w * window : (w + 1) * window]
        records = sum(parts[number] for number in mine)
        windows.append((first, records, mine, w))
        first += records

    inner_order = functools.cache(lambda w: open_order(windows[w][1], seed, epoch, w + 1))

    def index(position):
        first, _, mine, w = next(w for w in windows if w[0] <= position < w[0] + w[1])
        place = inner_order(w)(position - first)
        for number in mine:
            if place < parts[number]:
                return starts[number] + place
            place -= parts[number]

    return index


def case(parts, window, seed, epoch):
    """`parts` is a list of numbers of records, or [how many parts, records of each]."""
    sizes = [parts["records"]] * parts["count"] if isinstance(parts, dict) else parts
    n = sum(sizes)
    index = open_parts_order(sizes, window, seed, epoch)
    head = {"parts": parts, "window": window, "seed": seed, "epoch": epoch, "layout": layout_hash(sizes)}
    if n <= 32:
        return head | {"order": [index(p) for p in range(n)]}
    if n > 300_000:
        step = n // 101
        return head | {"step": step, "steps": [index(p) for p in range(0, n, step)]}
    return head | {"sha256": hashlib.sha256(struct.pack(f"<{n}I", *(index(p) for p in range(n)))).hexdigest()}


SMALL = [[], [0], [1], [5], [0, 3, 0], [2, 2], [4, 3, 3], [3, 0, 1, 4, 2], [1] * 12, [7, 1, 9, 2, 5, 8]]
WHOLE = [[100] * 7 + [33], [1000, 1, 0, 1999, 500], [40_000, 30_000, 30_000, 7], {"count": 300, "records": 20}]
LARGE = [
    {"count": 1000, "records": 1000},
    {"count": 70_000, "records": 10},
    {"count": 64, "records": 2**31 + 1},
    {"count": 3, "records": 2**51},
]
PAIRS = [(0, 0), (777, 0), (777, 1), (2**32, 3), (2**52, 2**32 - 1)]

if __name__ == "__main__":
    cases = [case(parts, window, *pair) for parts in SMALL for window in (1, 2, 16) for pair in PAIRS]
    cases += [case(parts, window, *pair) for parts in WHOLE for window in (1, 2, 3, 16) for pair in PAIRS[1:4]]
    cases += [case(parts, window, *pair) for parts in LARGE for window in (16, 64) for pair in PAIRS[1:3]]

    lines = ",\n".join("    " + json.dumps(c) for c in cases)
    path = pathlib.Path(__file__).with_name("golden") / "parts.json"
    path.write_text(f'{{\n  "cases": [\n{lines}\n  ]\n}}\n')
    print(len(cases), "cases")
