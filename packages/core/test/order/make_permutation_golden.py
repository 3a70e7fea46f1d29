"""Writes golden/permutation.json: the permutation order as docs/orders.md defines it, and nothing but that page and plain Python."""

import hashlib
import json
import pathlib
import struct

M32 = 0xFFFFFFFF


class Mt19937:
    def __init__(self, key):
        self.init_genrand(19650218)
        mt, i, j = self.mt, 1, 0
        for _ in range(max(624, len(key))):
            mt[i] = ((mt[i] ^ ((mt[i - 1] ^ (mt[i - 1] >> 30)) * 1664525)) + key[j] + j) & M32
            i, j = i + 1, (j + 1) % len(key)
            if i == 624:
                mt[0], i = mt[623], 1
        for _ in range(623):
            mt[i] = ((mt[i] ^ ((mt[i - 1] ^ (mt[i - 1] >> 30)) * 1566083941)) - i) & M32
            i += 1
            if i == 624:
                mt[0], i = mt[623], 1
        mt[0] = 0x80000000

    def init_genrand(self, seed):
        self.mt, self.at = [seed], 624
        for i in range(1, 624):
            self.mt.append((1812433253 * (self.mt[-1] ^ (self.mt[-1] >> 30)) + i) & M32)

    def draw(self):
        if self.at == 624:
            mt, self.at = self.mt, 0
            for k in range(624):
                y = (mt[k] & 0x80000000) | (mt[(k + 1) % 624] & 0x7FFFFFFF)
                mt[k] = mt[(k + 397) % 624] ^ (y >> 1) ^ (0x9908B0DF if y & 1 else 0)
        y = self.mt[self.at]
        self.at += 1
        y ^= y >> 11
        y ^= (y << 7) & 0x9D2C5680
        y ^= (y << 15) & 0xEFC60000
        return y ^ (y >> 18)

    def bounded(self, m):
        mask = 2 ** m.bit_length() - 1
        while (value := self.draw() & mask) > m:
            pass
        return value


def murmur(h, key, inner):
    h ^= key
    h = ((h ^ (h >> 16)) * 0x85EBCA6B & M32) ^ inner
    h = (h ^ (h >> 13)) * 0xC2B2AE35 & M32
    return h ^ (h >> 16)


def open_order(n, seed, epoch, *tweak):
    """The index at a position, as a function."""
    generator = Mt19937([seed % 2**32, seed // 2**32, epoch, *tweak])
    if n < 65_536:
        a = list(range(n))
        for i in range(n - 1, 0, -1):
            j = generator.bounded(i)
            a[i], a[j] = a[j], a[i]
        return a.__getitem__

    keys = [generator.draw() for _ in range(16)]
    bits = (n - 1).bit_length()
    left_bits = bits // 2
    right_bits = bits - left_bits

    def once(x):
        left, right = divmod(x, 2**right_bits)
        for k in range(0, 16, 4):
            left ^= murmur(right, keys[k], keys[k + 1]) % 2**left_bits
            right ^= murmur(left, keys[k + 2], keys[k + 3]) % 2**right_bits
        return left * 2**right_bits + right

    def index(position):
        x = once(position)
        while x >= n:
            x = once(x)
        return x

    return index


def case(n, seed, epoch, whole):
    index = open_order(n, seed, epoch)
    head = {"n": n, "seed": seed, "epoch": epoch}
    if n <= 32:
        return head | {"order": [index(p) for p in range(n)]}
    ends = {"first": [index(p) for p in range(4)], "last": [index(p) for p in range(n - 4, n)]}
    if not whole:
        step = n // 7
        return head | ends | {"step": step, "steps": [index(p) for p in range(0, n, step)]}
    order = [index(p) for p in range(n)]
    return head | ends | {"sha256": hashlib.sha256(struct.pack(f"<{n}I", *order)).hexdigest()}


if __name__ == "__main__":
    SMALL = [0, 1, 2, 3, 5, 10, 16, 17, 32]
    WHOLE = [33, 257, 1000, 65_535, 65_536, 65_537, 131_072]
    LARGE = [1_000_000, 2**24, 2**24 + 1, 10**9, 2**31, 2**31 + 1, 2**32, 2**32 + 1, 2**40, 2**40 + 1, 10**15, 2**52 + 1, 2**53 - 1]
    PAIRS = [(0, 0), (777, 0), (777, 1), (777, 2), (2**32 - 1, 1), (2**32, 0), (123_456_789_012_345, 42), (2**52, 2**32 - 1)]

    cases = [case(n, *pair, whole=True) for n in SMALL for pair in PAIRS]
    cases += [case(n, *pair, whole=True) for n in WHOLE for pair in PAIRS[1::2]]
    cases += [case(n, *pair, whole=False) for n in LARGE for pair in PAIRS]

    lines = ",\n".join("    " + json.dumps(c) for c in cases)
    path = pathlib.Path(__file__).with_name("golden") / "permutation.json"
    path.write_text(f'{{\n  "cases": [\n{lines}\n  ]\n}}\n')
    print(len(cases), "cases")
