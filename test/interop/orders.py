"""A second implementation of the orders: numpy, written from docs/orders.md alone."""

import functools
import hashlib

import numpy as np


def order(algorithm, n, seed, epoch, *tweak):
    """The function from an array of positions to their indices."""
    if algorithm == "sequential":
        return lambda positions: positions
    words = [seed % 2**32, seed // 2**32, epoch, *tweak]
    if algorithm == "numpy":
        s = seed + epoch
        words = s if s < 2**32 else [s % 2**32, s // 2**32]
    state = np.random.RandomState(words)
    if algorithm == "numpy" or n < 65536:
        shuffled = np.arange(n)
        state.shuffle(shuffled)
        return lambda positions: shuffled[positions]
    keys = np.frombuffer(state.bytes(64), "<u4")
    bits = (n - 1).bit_length()
    right_bits = np.uint64(bits - bits // 2)
    masks = np.uint32(2 ** (bits // 2) - 1), np.uint32(2 ** int(right_bits) - 1)

    def mix(h, k, inner):
        h = h ^ k
        h = ((h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B)) ^ inner
        h = (h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35)
        return h ^ (h >> np.uint32(16))

    def network(x):
        left, right = (x >> right_bits).astype("u4"), x.astype("u4") & masks[1]
        for t in range(0, 16, 4):
            left = left ^ (mix(right, keys[t], keys[t + 1]) & masks[0])
            right = right ^ (mix(left, keys[t + 2], keys[t + 3]) & masks[1])
        return (left.astype("u8") << right_bits) | right

    def indices(positions):
        x = network(np.asarray(positions, "u8"))
        while (outside := x >= n).any():
            x[outside] = network(x[outside])
        return x

    return indices


def layout_of(parts):
    """What a state calls the numbers of records of a dataset's parts."""
    return hashlib.sha256(("layout " + " ".join(str(records) for records in parts if records > 0)).encode()).hexdigest()[:16]


def parts_order(parts, window, seed, epoch):
    """The order 'parts' over parts of these numbers of records."""
    filled = [range(end - records, end) for records, end in zip(parts, np.cumsum(parts, dtype=int)) if records > 0]
    sequence = [filled[k] for k in order("permutation", len(filled), seed, epoch, 0)(np.arange(len(filled)))]
    windows = [np.concatenate([np.asarray(part) for part in sequence[k : k + window]]) for k in range(0, len(sequence), window)]
    ends = np.cumsum([len(records) for records in windows])

    @functools.cache
    def shuffled(w):
        return windows[w][order("permutation", len(windows[w]), seed, epoch, w + 1)(np.arange(len(windows[w])))]

    def index(position):
        w = int(np.searchsorted(ends, position, "right"))
        return shuffled(w)[position - (ends[w] - len(windows[w]))]

    return lambda positions: np.array([index(position) for position in positions], dtype=int)
