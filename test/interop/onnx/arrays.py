"""Arrays of the JSON files that write-graphs.mjs writes, and how far two of them are apart."""

import base64

import numpy as np


def decode(arrays):
    """Arrays by name, of the dtype in which they were written."""
    return {
        name: np.frombuffer(base64.b64decode(value["bytes"]), value["dtype"]).reshape(value["shape"])
        for name, value in arrays.items()
    }


def as_type(dtype, arrays):
    return {name: value.astype(dtype) for name, value in arrays.items()}


def distance(got, expected):
    """The largest difference, as a share of the largest element of what is expected, or of 1 where that is less."""
    got, expected = np.asarray(got, np.float64), np.asarray(expected, np.float64)
    assert got.shape == expected.shape, (got.shape, expected.shape)
    return float(np.abs(got - expected).max() / max(1.0, np.abs(expected).max()))
