"""The text form in which values are compared across languages, as encode.mjs makes it."""

import hashlib

import numpy as np

NUMPY = {"bool": "u1", "float16": "f2", "float32": "f4", "float64": "f8"}
NUMPY |= {f"{sign}int{bits}": f"{sign or 'i'}{bits // 8}" for sign in ("", "u") for bits in (8, 16, 32, 64)}


def encode_value(dtype, value, shape=None):
    """`2,3|00ff…` for arrays, `|2a` for scalars, `|` and the UTF-8 for strings. Values are what a library gives: arrays, nested lists, numbers."""
    if dtype in ("string", "bytes"):
        return "|" + hexadecimal(value.encode() if dtype == "string" else bytes(value))
    array = np.asarray(value, dtype=np.dtype("<" + NUMPY[dtype]))
    sizes = array.shape if shape is None else tuple(int(size) for size in shape)
    assert array.size == np.prod(sizes, dtype=int), f"{array.size} elements, shape {sizes}"
    return ",".join(map(str, sizes)) + "|" + hexadecimal(array.tobytes())


def hexadecimal(data):
    return data.hex() if len(data) <= 1024 else "sha256:" + hashlib.sha256(data).hexdigest()
